package io.sluice.control.authority.svid;

import java.security.PrivateKey;

/** A private key that is elsewhere, such as in a token, and can only be asked to sign. */
public interface ForeignKey extends PrivateKey {
  /** The signature algorithm that goes with it, by its JDK name. */
  String signatureAlgorithm();

  /**
   * The signature over {@code content}. Any thread; may block.
   *
   * @throws io.sluice.control.authority.AuthorityException where the key cannot be reached
   */
  byte[] sign(byte[] content);
}
