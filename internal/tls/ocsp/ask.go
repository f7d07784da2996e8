package ocsp

import (
	"bytes"
	"context"
	"crypto/x509"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"net/url"
	"strings"
	"time"

	"github.com/baton-project/baton/internal/resolve"
	"golang.org/x/crypto/ocsp"
)

const (
	timeout   = time.Minute // of a question to one address
	maxAnswer = 16 << 10    // with its head
)

// An Asker asks responders.
type Asker struct {
	// Resolver finds the addresses of responders; nil: those of the configuration
	// are taken.
	Resolver *resolve.Resolver
	// ResolverTimeout is how long it may take.
	ResolverTimeout time.Duration
}

// Ask asks a responder about a certificate. It returns what has come.
func (a *Asker) Ask(ctx context.Context, to *Responder, certificate, issuer *x509.Certificate) ([]byte, error) {
	question, err := ocsp.CreateRequest(certificate, issuer, nil)
	if err != nil {
		return nil, fmt.Errorf("OCSP_cert_to_id() failed (%w)", err)
	}
	addrs, err := a.addresses(ctx, to)
	if err != nil {
		return nil, err
	}
	head := "GET " + to.Path + url.QueryEscape(base64.StdEncoding.EncodeToString(question)) + " HTTP/1.0\r\nHost: " + to.Host + "\r\n\r\n"
	for _, ip := range addrs {
		var answer []byte
		at := netip.AddrPortFrom(ip, to.port)
		if answer, err = exchange(ctx, at, head); err == nil {
			return answer, nil
		}
		err = fmt.Errorf("%w, peer: %s", err, at)
	}
	return nil, err
}

func (a *Asker) addresses(ctx context.Context, to *Responder) ([]netip.Addr, error) {
	if _, err := netip.ParseAddr(strings.Trim(to.Host, "[]")); err == nil {
		return to.addrs, nil
	}
	if a.Resolver == nil {
		if len(to.addrs) == 0 {
			return nil, fmt.Errorf("no resolver defined to resolve %s", to.Host)
		}
		return to.addrs, nil
	}
	ctx, cancel := context.WithTimeout(ctx, a.ResolverTimeout)
	defer cancel()
	addrs, _, err := a.Resolver.LookupAddr(ctx, to.Host)
	if err == nil && len(addrs) == 0 {
		err = &resolve.Error{Name: to.Host, Code: resolve.NotFound}
	}
	return addrs, err
}

// exchange sends a request and returns the body of its answer.
func exchange(ctx context.Context, at netip.AddrPort, request string) ([]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	conn, err := new(net.Dialer).DialContext(ctx, "tcp", at.String())
	if err != nil {
		return nil, fmt.Errorf("connect() failed (%w)", err)
	}
	defer conn.Close()
	defer context.AfterFunc(ctx, func() { _ = conn.SetDeadline(time.Unix(1, 0)) })() // who waits sees the error
	if _, err := io.WriteString(conn, request); err != nil {
		return nil, fmt.Errorf("send() failed (%w)", err)
	}
	answer, err := io.ReadAll(io.LimitReader(conn, maxAnswer+1))
	switch {
	case errors.Is(err, context.DeadlineExceeded) || errors.Is(ctx.Err(), context.DeadlineExceeded):
		return nil, errors.New("OCSP responder timed out")
	case err != nil:
		return nil, fmt.Errorf("recv() failed (%w)", err)
	case len(answer) > maxAnswer:
		return nil, errors.New("OCSP responder sent too large response")
	}
	return parseAnswer(answer)
}

var (
	errInvalid = errors.New("OCSP responder sent invalid response")
	errShort   = errors.New("OCSP responder prematurely closed connection")
)

// parseAnswer finds the body of an answer. Lines may end without a CR.
func parseAnswer(answer []byte) (body []byte, err error) {
	line := func() (string, bool) {
		text, rest, found := bytes.Cut(answer, []byte("\n"))
		answer = rest
		return string(bytes.TrimSuffix(text, []byte("\r"))), found
	}
	status, whole := line()
	if !whole {
		return nil, errShort
	}
	version, status, _ := strings.Cut(status, " ")
	code, _, _ := strings.Cut(status, " ")
	if !strings.HasPrefix(version, "HTTP/") || len(code) != 3 {
		return nil, errInvalid
	}
	for {
		text, whole := line()
		switch {
		case !whole:
			return nil, errShort
		case text == "" && code != "200":
			return nil, fmt.Errorf("OCSP responder returned status %q", code)
		case text == "":
			return answer, nil
		}
		name, value, colon := strings.Cut(text, ":")
		value = strings.Trim(value, " ")
		switch {
		case !colon || name == "":
			return nil, errInvalid
		case code == "200" && strings.EqualFold(name, "Content-Type") && !strings.EqualFold(value, "application/ocsp-response"):
			return nil, fmt.Errorf("OCSP responder sent invalid \"Content-Type\" header: %q", value)
		}
	}
}
