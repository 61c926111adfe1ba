package learned

// The groups that the lane's own resources and documents belong to, by the GUIDs of Trisul's page "Well known GUIDs".
const (
	DNSResources         = "{D1E27FF0-6D66-4E57-BB91-99F76BB2143E}"
	URLResources         = "{4EF9DEB9-4332-4867-A667-6A30C5900E9E}"
	CertificateResources = "{5AEE3F0B-9304-44BE-BBD0-0467052CF468}"
	FileHashResources    = "{9781DB2C-F78A-4F7F-A7E8-2B1A9A7BE71A}"

	CertificateDocuments = "{9FEB8ADE-ADBB-49AD-BC68-C6A02F389C71}"
	HTTPHeaderDocuments  = "{28217924-E7A5-4523-993C-44B52758D5A8}"
	DNSDocuments         = "{09B305DF-078C-4B9E-8E2F-EA64B7326880}"
)
