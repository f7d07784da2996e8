// Package ssl is TLS for clients: certificates, versions and ciphers, sessions,
// certificates of clients, and the variables that tell of a connection. Behaviour
// and sentences are those of ngx_http_ssl_module.c; packages tls and tls/settings
// do the work.
package ssl
