// Package charset names the charset of answers, and translates them from the one
// that they are in.
//
//	charset utf-8;
//
//	charset koi8-r;            # what clients get
//	source_charset utf-8;      # what files are in
//	charset_map koi8-r utf-8 { C0 D18E ; C1 D0B0 ; }
//
// A map serves both directions. What a single byte cannot say becomes an HTML
// entity; what is no UTF-8 a question mark.
//
// See ngx_http_charset_module in nginx's manual.
package charset
