// Package referer tells pages that link here with consent from others.
//
//	valid_referers none blocked server_names *.example.com ~\.example\.;
//	if ($invalid_referer) { return 403; }
//
// $invalid_referer is "1" when the Referer field is none of the listed, else
// empty. A name may have the beginning of a path behind it, and an expression is
// compared with what follows "http://" or "https://".
//
// See ngx_http_referer_module in nginx's manual.
package referer
