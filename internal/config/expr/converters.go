package expr

import "sync"

// Converters lists every converter that eddy has. The slice is shared: do not change it.
func Converters() []ConvSpec { return convTable() }

var convTable = sync.OnceValue(func() []ConvSpec {
	var all []ConvSpec
	for _, rows := range [][]convRow{numberRows(), textRows(), codeRows(), outsideRows(), mapRows()} {
		for _, r := range rows {
			all = append(all, r.spec())
		}
	}
	return all
})

// findConverter finds a converter by name.
func findConverter(name string) *ConvSpec { return convIndex()[name] }

var convIndex = sync.OnceValue(func() map[string]*ConvSpec {
	all := Converters()
	m := make(map[string]*ConvSpec, len(all))
	for i := range all {
		m[all[i].Name] = &all[i]
	}
	return m
})

// numberRows are arithmetic and bits, and dates.
func numberRows() []convRow {
	return []convRow{
		{"add", "value:intvar", Int, Int, "Adds; stops at the largest value."},
		{"and", "value:intvar", Int, Int, "Bitwise and."},
		{"bool", "", Int, Bool, "Not zero."},
		{"cpl", "", Int, Int, "All bits turned round."},
		{"div", "value:intvar", Int, Int, "Divides; by zero gives the largest value."},
		{"even", "", Int, Bool, "Divisible by two."},
		{"htonl", "", Int, Bin, "The low 32 bits in network order."},
		{"http_date", "offset:int? unit=s|ms|us?", Int, Str, "A date as HTTP headers have it."},
		{"iif", "true false", Bool, Str, "One text or the other."},
		{"ltime", "format offset:int?", Int, Str, "A date in local time, by strftime."},
		{"mod", "value:intvar", Int, Int, "The rest of a division; by zero gives zero."},
		{"ms_ltime", "format offset:int?", Int, Str, "ltime from milliseconds, with %N."},
		{"ms_utime", "format offset:int?", Int, Str, "utime from milliseconds, with %N."},
		{"mul", "value:intvar", Int, Int, "Multiplies; stops at the largest value."},
		{"neg", "", Int, Int, "The opposite number."},
		{"not", "", Int, Bool, "Zero."},
		{"odd", "", Int, Bool, "Not divisible by two."},
		{"or", "value:intvar", Int, Int, "Bitwise or."},
		{"sub", "value:intvar", Int, Int, "Subtracts; stops at the smallest value."},
		{"us_ltime", "format offset:int?", Int, Str, "ltime from microseconds, with %N."},
		{"us_utime", "format offset:int?", Int, Str, "utime from microseconds, with %N."},
		{"utime", "format offset:int?", Int, Str, "A date in UTC, by strftime."},
		{"xor", "value:intvar", Int, Int, "Bitwise exclusive or."},
	}
}

// textRows cut and change text.
func textRows() []convRow {
	return []convRow{
		{"add_item", "delim var:var? suff?", Str, Str, "Appends a delimiter and an item."},
		{"bytes", "offset:intvar length:intvar?", Bin, Bin, "Some of the bytes."},
		{"concat", "start? var:var? end?", Str, Str, "Appends text, a variable and text."},
		{"cut_crlf", "", Str, Str, "Up to the first line break."},
		{"field", "index:int delimiters count:int?", Str, Str, "A field between delimiters; empty ones count."},
		{"host_only", "", Str, Str, "A Host value without its port, in lower case."},
		{"ipmask", "mask4:mask4 mask6:mask6?", Addr, Addr, "An address with its host part zeroed."},
		{"language", "value default?", Str, Str, "The best of some languages in Accept-Language."},
		{"length", "", Str, Int, "The length in bytes."},
		{"lower", "", Str, Str, "In lower case."},
		{"ltrim", "chars", Str, Str, "Without these characters at the beginning."},
		{"param", "name delim?", Str, Str, "A parameter in name=value text."},
		{"port_only", "", Str, Int, "The port of a Host value, or 0."},
		{"regsub", "regex:regex subst flags?", Str, Str, "Replaces what a regular expression matches."},
		{"reverse", "", Str, Str, "The bytes in reverse order."},
		{"reverse_dom", "", Str, Str, "A domain's labels in reverse order."},
		{"rfc7239_field", "field=proto|host|for|by", Str, Str, "A parameter of a Forwarded header."},
		{"rfc7239_is_valid", "", Str, Bool, "A valid Forwarded header."},
		{"rfc7239_n2nn", "", Str, Any, "The name in a Forwarded node."},
		{"rfc7239_n2np", "", Str, Any, "The port in a Forwarded node."},
		{"rfc7239_nn", "", Any, Str, "A name for a Forwarded node."},
		{"rfc7239_np", "", Any, Str, "A port for a Forwarded node."},
		{"rtrim", "chars", Str, Str, "Without these characters at the end."},
		{"strcmp", "var:var", Str, Int, "Compares with a variable."},
		{"upper", "", Str, Str, "In upper case."},
		{"word", "index:int delimiters count:int?", Str, Str, "A word between delimiters; empty ones do not count."},
	}
}

// codeRows encode, decode and hash.
func codeRows() []convRow {
	return []convRow{
		{"b64dec", "", Str, Bin, "Decodes base64."},
		{"base2", "", Bin, Str, "Binary digits, eight for each byte."},
		{"base64", "", Bin, Str, "Encodes base64."},
		{"be2dec", "separator chunk_size:uint truncate:uint?", Bin, Str, "Big-endian numbers in decimal."},
		{"be2hex", "separator? chunk_size:uint? truncate:uint?", Bin, Str, "Hexadecimal digits in groups."},
		{"crc32", "avalanche:uint?", Bin, Int, "CRC-32."},
		{"crc32c", "avalanche:uint?", Bin, Int, "CRC-32C."},
		{"date", "", Str, Int, "An HTTP date as seconds since 1970."},
		{"digest", "algorithm=md5|sha1|sha224|sha256|sha384|sha512|sha512-224|sha512-256|sha3-224|sha3-256|sha3-384|sha3-512", Bin, Bin, "A message digest."},
		{"djb2", "avalanche:uint?", Bin, Int, "DJB2 hash."},
		{"has_ctl", "mask?", Bin, Bool, "There are control characters."},
		{"hex", "", Bin, Str, "Hexadecimal digits."},
		{"hex2i", "", Str, Int, "Hexadecimal digits as an integer."},
		{"json", "input-code=ascii|utf8|utf8s|utf8p|utf8ps?", Str, Str, "Escaped for a JSON string."},
		{"json_query", "json_path:json output_type=int?", Str, Any, "A value out of JSON."},
		{"le2dec", "separator chunk_size:uint truncate:uint?", Bin, Str, "Little-endian numbers in decimal."},
		{"sdbm", "avalanche:uint?", Bin, Int, "SDBM hash."},
		{"secure_memcmp", "var:var", Bin, Bool, "Equal to a variable, in constant time."},
		{"sha1", "", Bin, Bin, "SHA-1."},
		{"sha2", "bits:uint?", Bin, Bin, "SHA-2 of 224, 256, 384 or 512 bits."},
		{"ub64dec", "", Str, Bin, "Decodes base64url."},
		{"ub64enc", "", Bin, Str, "Encodes base64url."},
		{"url_dec", "in_form:int?", Str, Str, "Decodes %XX."},
		{"url_enc", "enc_type=query?", Str, Str, "Encodes as %XX."},
		{"wt6", "avalanche:uint?", Bin, Int, "WT6 hash."},
		{"xxh3", "seed:int?", Bin, Int, "XXH3, 64 bits."},
		{"xxh32", "seed:int?", Bin, Int, "XXH32."},
		{"xxh64", "seed:int?", Bin, Int, "XXH64."},
	}
}

// outsideRows read or change something besides their input.
func outsideRows() []convRow {
	return []convRow{
		{"capture-req", "id:uint", Str, Str, "Keeps the text in a request capture slot."},
		{"capture-res", "id:uint", Str, Str, "Keeps the text in a response capture slot."},
		{"debug", "prefix? destination?", Any, Any, "Writes the value to a debugging sink."},
		{"fe_exists", "", Str, Bool, "A frontend of that name exists."},
		{"nbsrv", "", Str, Int, "Usable servers of the backend of that name."},
		{"set-var", "var:var cond=ifexists|ifnotexists|ifempty|ifnotempty|ifset|ifnotset|ifgt|iflt?*", Any, Any, "Sets a variable."},
		{"srv_is_up", "", Str, Bool, "The server of that name takes traffic."},
		{"srv_queue", "", Str, Int, "Streams queued at the server of that name."},
		{"unset-var", "var:var", Any, Any, "Forgets a variable."},
	}
}

// mapRows are the map converters: each way of matching with each type of output.
func mapRows() []convRow {
	rows := []convRow{
		{"map", "map_name:file default_value?", Str, Str, "Looks the text up in a map."},
		{"map_regm", "map_name:file default_value?", Str, Str, "Looks the text up by regular expressions; \\1 in the value is what matched."},
	}
	for _, match := range []string{"str", "beg", "sub", "dir", "dom", "end", "reg", "int", "ip"} {
		in := Str
		switch match {
		case "int":
			in = Int
		case "ip":
			in = Addr
		}
		name := "map_" + match
		doc := "Looks up in a map by " + match + " match"
		rows = append(rows,
			convRow{name, "map_name:file default_value?", in, Str, doc + "."},
			convRow{name + "_str", "map_name:file default_value?", in, Str, doc + "."},
			convRow{name + "_int", "map_name:file default_value:int?", in, Int, doc + "; the value is an integer."},
			convRow{name + "_ip", "map_name:file default_value?", in, Addr, doc + "; the value is an address."},
			convRow{name + "_key", "map_name:file", in, Str, doc + " and gives the key."},
		)
	}
	return rows
}

// Converter finds the declaration of a converter, or gives nil.
func Converter(name string) *ConvSpec { return findConverter(name) }
