package io.sluice.control.authority;

import io.sluice.mesh.TrustDomain;

/**
 * Signs identities of one trust domain at a time. Whether the asker may have the identity is not
 * decided here: callers admit first, then ask.
 *
 * <p>All methods may be called by any thread, several at once. They may block on disk or network
 * for as long as the implementation states, so never from an event loop; a virtual thread is right.
 */
public interface CertificateAuthority extends AutoCloseable {
  /**
   * Issues a leaf certificate for the key of the request.
   *
   * @throws AuthorityException with a reason that says whether trying again can help
   */
  IssuedCertificate sign(CertificateRequest request);

  /**
   * The roots that every member of the mesh has to trust now. A change of content has a higher
   * generation, also across restarts.
   *
   * @throws AuthorityException where the roots are kept elsewhere and were never reached
   */
  TrustBundle trustBundle();

  /**
   * From now on it signs identities of {@code domain} and no others. What was signed before stays
   * as it is. Nothing happens where it does so already.
   *
   * @throws AuthorityException where it cannot; it goes on as before then
   */
  void signFor(TrustDomain domain);

  /**
   * Whether it can sign, looked up without a side effect that anybody would notice. Never throws.
   */
  AuthorityHealth health();

  /** Releases files and connections; what was issued stays valid. */
  @Override
  void close();
}
