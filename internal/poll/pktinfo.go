package poll

import (
	"net/netip"
	"unsafe"

	"golang.org/x/sys/unix"
)

// controlSize is room for one control message with either kind of address.
const controlSize = 64

const headerSize = int(unsafe.Sizeof(unix.Cmsghdr{}))

// raw writes the kernel's form of the address and returns its size.
func (s Sockaddr) raw(to *unix.RawSockaddrAny) uint32 {
	size := rawIP(to, netip.AddrPortFrom(s.Addr(), s.port))
	if s.family == unix.AF_INET6 {
		(*unix.RawSockaddrInet6)(unsafe.Pointer(to)).Scope_id = s.scope
	}
	return uint32(size)
}

// appendLocal writes the control message that has a datagram leave from an
// address of the machine's into room, which is empty and aligned, and returns how
// many bytes it has. See IP_PKTINFO in ip(7), IPV6_PKTINFO in ipv6(7).
func appendLocal(room []byte, from Sockaddr) int {
	if cap(room) < controlSize {
		return 0
	}
	room = room[:controlSize]
	clear(room)
	h := (*unix.Cmsghdr)(unsafe.Pointer(&room[0]))
	if from.family == unix.AF_INET {
		h.Level, h.Type = unix.IPPROTO_IP, unix.IP_PKTINFO
		h.SetLen(unix.CmsgLen(unix.SizeofInet4Pktinfo))
		info := (*unix.Inet4Pktinfo)(unsafe.Pointer(&room[headerSize]))
		copy(info.Spec_dst[:], from.ip[:])
		return unix.CmsgSpace(unix.SizeofInet4Pktinfo)
	}
	h.Level, h.Type = unix.IPPROTO_IPV6, unix.IPV6_PKTINFO
	h.SetLen(unix.CmsgLen(unix.SizeofInet6Pktinfo))
	info := (*unix.Inet6Pktinfo)(unsafe.Pointer(&room[headerSize]))
	info.Addr = from.ip
	return unix.CmsgSpace(unix.SizeofInet6Pktinfo)
}

// parseLocal finds the machine's address among the control messages of a datagram.
func parseLocal(control []byte, port uint16) (local Sockaddr, ok bool) {
	for len(control) >= headerSize {
		h := *(*unix.Cmsghdr)(unsafe.Pointer(&control[0]))
		size := int(h.Len)
		if size < headerSize || size > len(control) {
			return Sockaddr{}, false
		}
		body := control[headerSize:size]
		switch {
		case h.Level == unix.IPPROTO_IP && h.Type == unix.IP_PKTINFO && len(body) >= unix.SizeofInet4Pktinfo:
			s := Sockaddr{family: unix.AF_INET, port: port}
			copy(s.ip[:], (*unix.Inet4Pktinfo)(unsafe.Pointer(&body[0])).Spec_dst[:])
			return s, true
		case h.Level == unix.IPPROTO_IPV6 && h.Type == unix.IPV6_PKTINFO && len(body) >= unix.SizeofInet6Pktinfo:
			s := Sockaddr{family: unix.AF_INET6, port: port}
			s.ip = (*unix.Inet6Pktinfo)(unsafe.Pointer(&body[0])).Addr
			return s, true
		}
		next := unix.CmsgSpace(size - headerSize)
		if next >= len(control) {
			break
		}
		control = control[next:]
	}
	return Sockaddr{}, false
}
