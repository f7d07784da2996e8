// Package realip takes the client's address from what trusted proxies say about
// it. It is nginx's ngx_http_realip_module.
//
//	set_real_ip_from  192.0.2.0/24;
//	set_real_ip_from  unix:;
//	real_ip_header    X-Forwarded-For;
//	real_ip_recursive on;
//
// The address changes for one request: for variables, logs, access rules and
// limits. It is looked for when the head was read, by the server's settings, and
// when that found nothing, before limits, by those of the location.
package realip
