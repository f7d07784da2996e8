// Package splitclients is nginx's split_clients module: variables that give each
// client one of several values, with given shares.
//
//	split_clients "${remote_addr}AAA" $variant {
//		0.5%  .one;
//		2.0%  .two;
//		*     "";
//	}
//
// The hash is nginx's, so each client gets what it would get there.
//
// See ngx_http_split_clients_module in nginx's manual.
package splitclients
