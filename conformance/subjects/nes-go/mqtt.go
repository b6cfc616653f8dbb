// As much of MQTT 3.1.1 as the client needs: connect with a clean session, subscribe and publish with QoS 2.
package main

import (
	"bufio"
	"crypto/rand"
	"crypto/rsa"
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"net/url"
	"sync"
	"time"
)

const (
	tConnect     = 1
	tConnack     = 2
	tPublish     = 3
	tPuback      = 4
	tPubrec      = 5
	tPubrel      = 6
	tPubcomp     = 7
	tSubscribe   = 8
	tSuback      = 9
	tPingreq     = 12
	tDisconnect  = 14
	qualityTwice = 2
)

type broker struct {
	sync.Mutex
	conn    net.Conn
	reader  *bufio.Reader
	waiting map[byte]chan []byte
	pending map[uint16][]byte
	onFrame func([]byte)
}

func text(s string) []byte { return append(binary.BigEndian.AppendUint16(nil, uint16(len(s))), s...) }

func (b *broker) write(kind, flags byte, parts ...[]byte) {
	var body []byte
	for _, part := range parts {
		body = append(body, part...)
	}
	packet := []byte{kind<<4 | flags}
	for length := len(body); ; {
		digit := byte(length % 128)
		if length /= 128; length > 0 {
			packet = append(packet, digit|128)
			continue
		}
		packet = append(packet, digit)
		break
	}
	b.Lock()
	defer b.Unlock()
	_, err := b.conn.Write(append(packet, body...))
	die(err)
}

func (b *broker) read() (kind, flags byte, body []byte, err error) {
	first, err := b.reader.ReadByte()
	if err != nil {
		return 0, 0, nil, err
	}
	length := 0
	for shift := 0; ; shift += 7 {
		digit, err := b.reader.ReadByte()
		if err != nil {
			return 0, 0, nil, err
		}
		length |= int(digit&127) << shift
		if digit < 128 {
			break
		}
	}
	body = make([]byte, length)
	_, err = io.ReadFull(b.reader, body)
	return first >> 4, first & 15, body, err
}

func (b *broker) loop() {
	for {
		kind, flags, body, err := b.read()
		if err != nil {
			return
		}
		switch kind {
		case tPublish:
			size := int(binary.BigEndian.Uint16(body))
			rest := body[2+size:]
			if flags>>1&3 == 0 {
				b.onFrame(rest)
				continue
			}
			id := rest[:2]
			if flags>>1&3 == 1 {
				b.write(tPuback, 0, id)
				b.onFrame(rest[2:])
				continue
			}
			b.pending[binary.BigEndian.Uint16(id)] = rest[2:]
			b.write(tPubrec, 0, id)
		case tPubrel:
			id := binary.BigEndian.Uint16(body)
			payload, ok := b.pending[id]
			delete(b.pending, id)
			b.write(tPubcomp, 0, body)
			if ok {
				b.onFrame(payload)
			}
		case tPubrec:
			b.write(tPubrel, 2, body)
		default:
			if channel, ok := b.waiting[kind]; ok {
				channel <- body
			}
		}
	}
}

func dial(address string, onFrame func([]byte)) *broker {
	target, err := url.Parse(address)
	die(err)
	conn, err := net.Dial("tcp", target.Host)
	die(err)
	letters := make([]byte, 8)
	_, err = rand.Read(letters)
	die(err)
	for i := range letters {
		letters[i] = 'a' + letters[i]%26
	}
	b := &broker{conn: conn, reader: bufio.NewReader(conn), onFrame: onFrame, pending: map[uint16][]byte{}, waiting: map[byte]chan []byte{}}
	for _, kind := range []byte{tConnack, tSuback, tPubcomp} {
		b.waiting[kind] = make(chan []byte, 1)
	}
	go b.loop()
	b.write(tConnect, 0, text("MQTT"), []byte{4, 2, 0, 30}, text(string(letters)))
	b.wait(tConnack)
	go func() {
		for range time.Tick(10 * time.Second) {
			b.write(tPingreq, 0)
		}
	}()
	return b
}

func (b *broker) wait(kind byte) []byte {
	select {
	case body := <-b.waiting[kind]:
		return body
	case <-time.After(15 * time.Second):
		die(fmt.Errorf("no packet of type %d", kind))
		return nil
	}
}

func (b *broker) subscribe(topic string) {
	b.write(tSubscribe, 2, []byte{0, 1}, text(topic), []byte{qualityTwice})
	b.wait(tSuback)
}

func (b *broker) publish(topic string, payload []byte) {
	b.write(tPublish, qualityTwice<<1, text(topic), []byte{0, 2}, payload)
	b.wait(tPubcomp)
}

func listen(address, user string, own *rsa.PrivateKey, keys *provider) {
	frames := make(chan []byte, 64)
	b := dial(address, func(payload []byte) { frames <- payload })
	b.subscribe("nes/" + user + "/message")
	say(map[string]any{"ready": user})
	for payload := range frames {
		if m, err := open(payload, own, keys); err != nil {
			say(map[string]any{"refused": err.Error()})
		} else {
			say(m)
		}
	}
}

func send(address, user, to, body string, own *rsa.PrivateKey, keys *provider) {
	recipient, err := keys.keysOf(to)
	die(err)
	sealed := seal(message{user, to, time.Now().UnixMilli(), body}, recipient.message, own)
	b := dial(address, func([]byte) {})
	b.publish("nes/"+to+"/message", sealed)
	b.write(tDisconnect, 0)
	say(map[string]any{"sent": string(sealed)})
}
