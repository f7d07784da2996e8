// Package geo is nginx's geo module: variables that depend on an address.
//
//	geo $limited {
//		default        1;
//		10.0.0.0/8     0;
//		2001:db8::/32  0;
//		proxy          192.0.2.1;
//	}
//
// The address is the client's, or that in a variable named before the one to
// set. The longest network that holds it decides. With "ranges" the block lists
// IPv4 ranges instead. What a "proxy" says in X-Forwarded-For is believed.
//
// Package match has the tables. See ngx_http_geo_module in nginx's manual.
package geo
