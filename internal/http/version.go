package http

// NginxVersion is the nginx release whose behaviour is followed: what
// $nginx_version and the Server header say.
const NginxVersion = "1.31.3"

// ServerProduct is the Server header, and the foot of error pages, with
// server_tokens on.
const ServerProduct = "nginx/" + NginxVersion
