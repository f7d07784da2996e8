// Package maps is nginx's map module: variables that depend on a text.
//
//	map $http_upgrade $connection_upgrade {
//		default upgrade;
//		""      close;
//	}
//
//	map $host $site {
//		hostnames;
//		default          none;
//		.example.com     main;
//		~^www\d+\.(.+)$  $1;
//	}
//
// A name is looked for first, then the longest wildcard, then the expressions in
// their order. The value may have variables in it. It is found once for each
// request or session, when it is first needed, unless the block says "volatile".
//
// Package match has the tables. See ngx_http_map_module and ngx_stream_map_module in
// nginx's manual.
package maps
