// Package randomindex answers a request for a directory with one of its files,
// picked at random.
//
//	location /banners/ { random_index on; }
//
// See ngx_http_random_index_module in nginx's manual.
package randomindex
