// Package cgi is what FastCGI, SCGI and uwsgi have taken over from CGI, and
// therefore have in common: parameters, which the directives fastcgi_param,
// scgi_param and uwsgi_param name and to which each header line of the request
// adds one of its own, and a response that has its status in a header line.
//
// Each protocol writes the parameters in a frame of its own; see [Framing].
package cgi
