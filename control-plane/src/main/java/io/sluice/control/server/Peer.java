package io.sluice.control.server;

import io.grpc.Attributes;
import io.grpc.Grpc;
import io.sluice.mesh.IpAddresses;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.security.cert.Certificate;
import java.security.cert.X509Certificate;
import java.util.ArrayList;
import java.util.List;
import javax.net.ssl.SSLPeerUnverifiedException;
import javax.net.ssl.SSLSession;

/**
 * The other end of a connection, as TCP and TLS know it.
 *
 * @param chain its certificates, leaf first; empty where it showed none
 * @param modern whether TLS 1.3 is spoken
 */
record Peer(InetAddress address, List<X509Certificate> chain, boolean modern) {
  private static final String TLS_1_3 = "TLSv1.3";

  Peer {
    chain = List.copyOf(chain);
  }

  static Peer of(Attributes attributes) {
    InetAddress address =
        attributes.get(Grpc.TRANSPORT_ATTR_REMOTE_ADDR) instanceof InetSocketAddress remote
            ? remote.getAddress()
            : InetAddress.getLoopbackAddress();
    SSLSession session = attributes.get(Grpc.TRANSPORT_ATTR_SSL_SESSION);
    return session == null
        ? new Peer(address, List.of(), false)
        : new Peer(address, chain(session), session.getProtocol().equals(TLS_1_3));
  }

  private static List<X509Certificate> chain(SSLSession session) {
    List<X509Certificate> chain = new ArrayList<>();
    try {
      for (Certificate certificate : session.getPeerCertificates()) {
        chain.add((X509Certificate) certificate);
      }
    } catch (SSLPeerUnverifiedException e) {
      return List.of(); // it showed none
    }
    return chain;
  }

  String text() {
    return IpAddresses.text(address);
  }
}
