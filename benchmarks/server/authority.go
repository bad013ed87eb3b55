package main

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"encoding/pem"
	"fmt"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"time"
)

// authority is the CA of the cluster.
type authority struct {
	certificate *x509.Certificate
	key         *ecdsa.PrivateKey
}

func newAuthority() *authority {
	key := newKey()
	template := &x509.Certificate{
		Subject: pkix.Name{CommonName: "benchmark-ca"}, IsCA: true, BasicConstraintsValid: true,
		KeyUsage: x509.KeyUsageCertSign | x509.KeyUsageDigitalSignature,
	}
	certificate, err := x509.ParseCertificate(sign(template, template, &key.PublicKey, key))
	check(err)
	return &authority{certificate, key}
}

func newKey() *ecdsa.PrivateKey {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	check(err)
	return key
}

func sign(template, issuer *x509.Certificate, public *ecdsa.PublicKey, key *ecdsa.PrivateKey) []byte {
	serial, err := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 126))
	check(err)
	template.SerialNumber = serial
	template.NotBefore, template.NotAfter = time.Now().Add(-time.Hour), time.Now().AddDate(0, 0, 7)
	der, err := x509.CreateCertificate(rand.Reader, template, issuer, public, key)
	check(err)
	return der
}

// ofAddresses has a certificate for each of the addresses, to be shown to whoever calls at it; it is for the aliases too.
// The key is one for all: that is nothing which a client could notice.
func (a *authority) ofAddresses(addresses []string, aliases ...string) *tls.Config {
	key := newKey()
	byAddress := make(map[string]*tls.Certificate, len(addresses))
	for _, address := range addresses {
		ips := []net.IP{net.ParseIP(address)}
		for _, alias := range aliases {
			ips = append(ips, net.ParseIP(alias))
		}
		template := &x509.Certificate{
			Subject:     pkix.Name{CommonName: address},
			KeyUsage:    x509.KeyUsageDigitalSignature,
			ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
			IPAddresses: ips,
		}
		der := sign(template, a.certificate, &key.PublicKey, a.key)
		byAddress[address] = &tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}
	}
	return &tls.Config{
		NextProtos: []string{"h2", "http/1.1"},
		GetCertificate: func(hello *tls.ClientHelloInfo) (*tls.Certificate, error) {
			address := hello.Conn.LocalAddr().(*net.TCPAddr).IP.String()
			if certificate := byAddress[address]; certificate != nil {
				return certificate, nil
			}
			return nil, fmt.Errorf("nobody is at %s", address)
		},
	}
}

func (a *authority) writeKubeconfig(folder, host string, port int) {
	authority := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: a.certificate.Raw})
	text := fmt.Sprintf(`apiVersion: v1
kind: Config
current-context: benchmark
clusters:
- {name: benchmark, cluster: {server: "https://%s:%d", certificate-authority-data: %s}}
users:
- {name: benchmark, user: {token: %s}}
contexts:
- {name: benchmark, context: {cluster: benchmark, user: benchmark, namespace: team-000}}
`, host, port, base64.StdEncoding.EncodeToString(authority), token)
	check(os.WriteFile(filepath.Join(folder, "kubeconfig"), []byte(text), 0o600))
}
