// Package grpc passes requests on to gRPC servers: HTTP/2 in which both sides send at
// the same time, with trailers. Behaviour is that of ngx_http_grpc_module.
package grpc
