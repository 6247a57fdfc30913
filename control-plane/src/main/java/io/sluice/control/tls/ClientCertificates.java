package io.sluice.control.tls;

import io.sluice.mesh.svid.SvidJudge;
import java.net.Socket;
import java.security.cert.CertificateException;
import java.security.cert.X509Certificate;
import javax.net.ssl.SSLEngine;
import javax.net.ssl.X509ExtendedTrustManager;

/**
 * Lets a handshake of a server end with whatever certificate a client shows, as it ends with none.
 * TLS proves that the client holds the key; whom the certificate proves is looked at for each call,
 * so that the client is told the reason and a long connection does not outlive its certificate.
 * Chains longer than any that is judged are refused.
 */
public final class ClientCertificates extends X509ExtendedTrustManager {
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
    return new CertificateException("this is for a server on engines only");
  }

  @Override
  public X509Certificate[] getAcceptedIssuers() {
    return new X509Certificate[0]; // a client may show any
  }
}
