// Package dav lets clients put files, and make, copy, move and remove files and
// folders.
//
//	location /files/ {
//		dav_methods PUT DELETE MKCOL COPY MOVE;
//		create_full_put_path on;
//		dav_access group:rw all:r;
//		limit_except GET { allow 192.168.1.0/32; deny all; }
//	}
//
// A file that is put, or copied over another file system, is complete when it gets
// its name. As in nginx there are no properties and locks, and what goes wrong in the
// middle of a tree is in the error log only.
//
// See ngx_http_dav_module in nginx's manual, and RFC 4918.
package dav
