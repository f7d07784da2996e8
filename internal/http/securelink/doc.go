// Package securelink checks links that carry a hash of a secret, and perhaps the
// time until which they are good.
//
//	secure_link     $arg_md5,$arg_expires;
//	secure_link_md5 "$secure_link_expires$uri$remote_addr secret";
//	if ($secure_link = "")  { return 403; }
//	if ($secure_link = "0") { return 410; }
//
// $secure_link has no value for a link that is wrong, and is "0" for one that
// has expired, else "1". The older secure_link_secret finds hash and link in the
// path, /prefix/hash/link, and makes $secure_link the link.
//
// See ngx_http_secure_link_module in nginx's manual.
package securelink
