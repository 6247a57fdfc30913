package io.sluice.control.server;

import io.sluice.mesh.svid.SvidJudge;
import java.net.Socket;
import java.security.cert.CertificateException;
import java.security.cert.X509Certificate;
import javax.net.ssl.SSLEngine;
import javax.net.ssl.X509ExtendedTrustManager;

/**
 * Lets a handshake end with whatever certificate a client shows, as it ends with none. TLS proves
 * that the client holds the key; whom the certificate proves, {@link
 * io.sluice.control.issuing.NodeCertificates} looks at for each call, so that the node is told the
 * reason and a long connection does not outlive its certificate. A stranger gains nothing here: the
 * one service that is open to everybody needs no certificate.
 */
final class ClientCertificates extends X509ExtendedTrustManager {
  @Override
  public void checkClientTrusted(X509Certificate[] chain, String authType, SSLEngine engine)
      throws CertificateException {
    if (chain.length > SvidJudge.LONGEST_SHOWN) {
      throw new CertificateException(
          "a client's chain of "
              + chain.length
              + " certificates; at most "
              + SvidJudge.LONGEST_SHOWN);
    }
  }

  @Override
  public void checkClientTrusted(X509Certificate[] chain, String authType, Socket socket)
      throws CertificateException {
    throw neverUsed();
  }

  @Override
  public void checkClientTrusted(X509Certificate[] chain, String authType)
      throws CertificateException {
    throw neverUsed();
  }

  @Override
  public void checkServerTrusted(X509Certificate[] chain, String authType, Socket socket)
      throws CertificateException {
    throw neverUsed();
  }

  @Override
  public void checkServerTrusted(X509Certificate[] chain, String authType, SSLEngine engine)
      throws CertificateException {
    throw neverUsed();
  }

  @Override
  public void checkServerTrusted(X509Certificate[] chain, String authType)
      throws CertificateException {
    throw neverUsed();
  }

  private static CertificateException neverUsed() {
    return new CertificateException("the control port is a server on engines only");
  }

  @Override
  public X509Certificate[] getAcceptedIssuers() {
    return new X509Certificate[0]; // a client may show any
  }
}
