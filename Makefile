# baton: the commands that people use. `make test` runs everything.

STATICCHECK = honnef.co/go/tools/cmd/staticcheck@v0.8.2

.PHONY: build test lint bench docs

build:
	go build -o bin/baton ./cmd/baton

# The tests compare with Debian's nginx and drive it, and pass requests on to php-fpm
# and to a program in Python; pools are compared with nutcracker, before Redis and memcached;
# OpenSSL's client is sent to TLS servers by the name that it asks for, and curl, nghttp,
# h2load and Chromium load pages over HTTP/2; dig asks dnsmasq through stream.
test:
	bash .ci/deps nginx libnginx-mod-stream php-fpm python3 redis-server memcached nutcracker openssl curl nghttp2-client chromium bind9-dnsutils dnsmasq-base
	go test -race -timeout 15m ./...

lint:
	go vet ./...
	go run $(STATICCHECK) ./...

bench:
	bash .ci/deps nginx wrk nghttp2-client redis-server redis-tools nutcracker
	go run ./bench

# The directive reference in docs/ is generated; a test checks that it is current.
docs:
	go run ./docs/generate
