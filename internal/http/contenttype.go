package http

import "strings"

// SetContentTypeLine sets ContentType and Charset from an upstream's line, which
// is sent as it is unless a filter changes one of them.
func (o *Response) SetContentTypeLine(value string) {
	o.ContentType, o.Charset = value, ""
	for i := 0; i < len(value); i++ {
		if value[i] != ';' {
			continue
		}
		end := i
		for i++; i < len(value) && value[i] == ' '; i++ {
		}
		const name = "charset="
		if len(value)-i < len(name) || !equalFold(value[i:i+len(name)], name) {
			i--
			continue
		}
		charset := strings.TrimPrefix(value[i+len(name):], `"`)
		o.ContentType, o.Charset = value[:end], strings.TrimSuffix(charset, `"`)
		break
	}
	o.typeLine, o.typeRead = value, [2]string{o.ContentType, o.Charset}
}
