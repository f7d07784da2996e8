// Package emptygif answers with a transparent GIF of one pixel, from memory.
//
//	location = /_.gif { empty_gif; }
//
// See ngx_http_empty_gif_module in nginx's manual.
package emptygif
