// Package stream is the core of the layer-four server: it turns the stream{}
// block of a configuration into servers with pipelines of handlers, and serves
// connections by them.
//
// Nothing in here knows a particular feature. A feature is a folder below this one
// that declares a [Feature] value; the order of the features in internal/modules
// is the order in which handlers of one phase run.
//
//	feature.go, builder.go   what a feature is and how it joins
//	phase.go                 the phases of a session and what moves it on
//	session.go, preread.go   one client's connection, from accept to the log line
//	relay.go                 its tunnel to an upstream
//	handover*.go             how relayed sessions move to the next workers
//	vars.go, logging.go      variables, lines of the error log
//	conf_*.go                the core's own directives
//	build.go, server.go      the compiled stream{} block
//	worker.go                the sessions of one worker
//
// Behaviour, defaults and sentences are nginx's (ngx_stream.c,
// ngx_stream_handler.c, ngx_stream_core_module.c).
package stream
