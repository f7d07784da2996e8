// Package settings is what configurations say of TLS: the directives "ssl_*" of
// servers and "proxy_ssl_*" towards upstreams, for http{} and stream{}, and the
// variables "$ssl_*".
//
//	Server   ServerTable, Merge, Servers.Find  -->  tls.Server
//	Client   ClientTable, Merge, Compile       -->  tls.Client
//
// Defaults and sentences are nginx's (ngx_http_ssl_module.c,
// ngx_stream_ssl_module.c).
package settings
