// Package ssi processes the commands of server side includes in answers.
//
//	location / { ssi on; }
//
//	<!--#include virtual="/header.html" -->
//	<!--#if expr="$arg_debug = yes" --><!--#echo var="date_local" --><!--#endif -->
//
// The commands are include (virtual, file, wait, set, stub), echo, config, set, if,
// elif, else, endif, block and endblock, as nginx knows them; expressions may have
// regular expressions. Includes are subrequests and run one after the other in the
// order of the page, so "wait" has no effect. Variables and blocks are shared by a
// page and what it includes; together they may take 1 MB.
//
// See ngx_http_ssi_module in nginx's manual.
package ssi
