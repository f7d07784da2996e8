package record

import "strconv"

// An Alert is the description of an alert; see RFC 8446, section 6.
type Alert uint8

// The alerts that this package sends or treats as something special.
const (
	CloseNotify      Alert = 0
	UnexpectedMsg    Alert = 10
	BadRecordMAC     Alert = 20
	RecordOverflow   Alert = 22
	DecodeError      Alert = 50
	ProtocolVersion  Alert = 70
	InternalError    Alert = 80
	userCanceled     Alert = 90
	noRenegotiation  Alert = 100
	levelWarning           = 1
	levelFatal             = 2
	alertMessageSize       = 2
)

var alertNames = map[Alert]string{
	CloseNotify: "close notify", UnexpectedMsg: "unexpected message", BadRecordMAC: "bad record mac",
	RecordOverflow: "record overflow", 40: "handshake failure", 42: "bad certificate", 43: "unsupported certificate",
	44: "certificate revoked", 45: "certificate expired", 46: "certificate unknown", 47: "illegal parameter",
	48: "unknown ca", 49: "access denied", DecodeError: "decode error", 51: "decrypt error",
	ProtocolVersion: "protocol version", 71: "insufficient security", InternalError: "internal error",
	86: "inappropriate fallback", userCanceled: "user canceled", noRenegotiation: "no renegotiation",
	109: "missing extension", 110: "unsupported extension", 112: "unrecognized name", 116: "certificate required",
	120: "no application protocol",
}

// String returns the name in words: "bad record mac".
func (a Alert) String() string {
	if name := alertNames[a]; name != "" {
		return name
	}
	return "alert number " + strconv.Itoa(int(a))
}

// A PeerAlert is an error: the peer has sent a fatal alert.
type PeerAlert struct{ Alert Alert }

// Error returns what OpenSSL calls the alert.
func (e *PeerAlert) Error() string { return "alert " + e.Alert.String() }

// A BadRecord is an error: what came is no record that may come here. Alert is to
// be sent to the peer.
type BadRecord struct {
	Alert Alert
	Text  string
}

// Error tells what was wrong.
func (e *BadRecord) Error() string { return e.Text }
