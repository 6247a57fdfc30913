package io.sluice.control.server;

import java.net.Socket;
import java.security.GeneralSecurityException;
import java.security.MessageDigest;
import java.security.cert.CertificateException;
import java.security.cert.X509Certificate;
import java.util.HexFormat;
import java.util.List;
import javax.net.ssl.SSLEngine;
import javax.net.ssl.X509ExtendedTrustManager;

/** Believes a server whose chain ends with the root of a hash: what a node that joins does. */
final class PinnedRoot extends X509ExtendedTrustManager {
  private final String hash;
  private volatile List<X509Certificate> lastChain = List.of();

  PinnedRoot(String hash) {
    this.hash = hash;
  }

  List<X509Certificate> lastChain() {
    return lastChain;
  }

  @Override
  public void checkServerTrusted(X509Certificate[] chain, String authType, SSLEngine engine)
      throws CertificateException {
    lastChain = List.of(chain);
    try {
      for (int i = 0; i + 1 < chain.length; i++) {
        chain[i].verify(chain[i + 1].getPublicKey());
      }
      byte[] root = chain[chain.length - 1].getEncoded();
      String found = HexFormat.of().formatHex(MessageDigest.getInstance("SHA-256").digest(root));
      if (!found.equals(hash)) {
        throw new CertificateException("another root: " + found);
      }
    } catch (GeneralSecurityException e) {
      throw new CertificateException(e);
    }
  }

  @Override
  public void checkServerTrusted(X509Certificate[] chain, String authType) {
    throw new IllegalStateException();
  }

  @Override
  public void checkServerTrusted(X509Certificate[] chain, String authType, Socket socket) {
    throw new IllegalStateException();
  }

  @Override
  public void checkClientTrusted(X509Certificate[] chain, String authType, SSLEngine engine) {
    throw new IllegalStateException();
  }

  @Override
  public void checkClientTrusted(X509Certificate[] chain, String authType, Socket socket) {
    throw new IllegalStateException();
  }

  @Override
  public void checkClientTrusted(X509Certificate[] chain, String authType) {
    throw new IllegalStateException();
  }

  @Override
  public X509Certificate[] getAcceptedIssuers() {
    return new X509Certificate[0];
  }
}
