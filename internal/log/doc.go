// Package log writes nginx's error log, and the files that access logs go to.
//
// A [Files] holds every log file of one loaded configuration, opened once each
// however many directives name it. In the master it opens them; in a worker it
// only has what the master handed out. A [Logger] is what one set of error_log
// directives asks for: outputs, each with its own level. Loggers are made by
// [Files.Logger] and live as long as their Files.
//
//	error_log logs/error.log warn;  \   Spec, Spec  -> Files.Logger -> Logger
//	error_log syslog:server=... ;   /                                   |  |
//	access_log logs/access.log;         Files.Open -> File              v  v
//	                                                            2026/11/20 11:10:50 [warn] 7#7: *3 ...
//
// Sentences, levels and formats are nginx's (ngx_log.c, ngx_syslog.c), because
// people and their scripts read them.
package log
