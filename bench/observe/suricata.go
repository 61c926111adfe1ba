package main

import (
	"os"
	"path/filepath"
	"strings"
)

// suricataConfig is all that Suricata is told: no rules, no statistics, memory enough for everything, streams and bodies to
// their end, one EVE file. @OUTPUTS is what it writes.
const suricataConfig = `%YAML 1.1
---
stats: {enabled: no}
logging:
  default-log-level: error
  outputs:
    - console: {enabled: yes}
outputs:
@OUTPUTS
flow: {memcap: 1gb, hash-size: 65536, prealloc: 10000}
stream:
  memcap: 1gb
  checksum-validation: no
  inline: no
  reassembly: {memcap: 2gb, depth: 0}
app-layer:
  protocols:
    http:
      enabled: yes
      libhtp:
        default-config: {personality: IDS, request-body-limit: 0, response-body-limit: 0}
    dns: {udp: {enabled: yes, detection-ports: {dp: 53}}}
    tls: {enabled: yes, detection-ports: {dp: 443}}
`

// What Suricata writes.
const (
	suricataFileinfo = `  - eve-log:
      {enabled: yes, filetype: regular, filename: eve.json, types: [{files: {force-hash: [sha1]}}]}
`
	suricataFlows = `  - eve-log:
      {enabled: yes, filetype: regular, filename: eve.json, types: [flow]}
`
	suricataStore = `  - file-store:
      {version: 2, enabled: yes, dir: files, force-filestore: yes, stream-depth: 0}
`
)

// suricata is a subject: one thread for packets, no validation of checksums, no rules.
func suricata(program, name, outputs string, c check) *subject {
	return &subject{name: name, check: c, args: func(dir, capture string) ([]string, error) {
		config := filepath.Join(dir, "suricata.yaml")
		err := os.WriteFile(config, []byte(strings.Replace(suricataConfig, "@OUTPUTS\n", outputs, 1)), 0o644)
		return []string{program, "--runmode", "single", "-k", "none", "-S", "/dev/null", "-c", config, "-l", dir, "-r", capture}, err
	}}
}
