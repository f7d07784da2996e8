// Package accesslog writes one line for each request that has ended, before its
// connection is closed. Without access_log, http{} has one in nginx's combined
// format. Package variable/accesslog does the work.
//
// See ngx_http_log_module in nginx's manual.
package accesslog
