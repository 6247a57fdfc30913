package io.sluice.control.authority.token;

import io.sluice.control.authority.svid.SigningKey.ForeignKey;

/** Names a private key of a token. It stays good when the token's session is lost and made anew. */
final class TokenKey implements ForeignKey {
  private static final long serialVersionUID = 1L;

  private final transient Token token;
  private final String id;
  private final String algorithm;
  private final String signatureAlgorithm;

  /**
   * @param id of the public key, see {@link Token}
   */
  TokenKey(Token token, String id, String algorithm, String signatureAlgorithm) {
    this.token = token;
    this.id = id;
    this.algorithm = algorithm;
    this.signatureAlgorithm = signatureAlgorithm;
  }

  String id() {
    return id;
  }

  @Override
  public byte[] sign(byte[] content) {
    return token.sign(this, content);
  }

  @Override
  public String signatureAlgorithm() {
    return signatureAlgorithm;
  }

  @Override
  public String getAlgorithm() {
    return algorithm;
  }

  @Override
  public String getFormat() {
    throw new UnsupportedOperationException("a key of a token has no encoding");
  }

  @Override
  public byte[] getEncoded() {
    throw new UnsupportedOperationException("a key of a token has no encoding");
  }

  @Override
  public boolean equals(Object other) {
    return other instanceof TokenKey key && key.id.equals(id);
  }

  @Override
  public int hashCode() {
    return id.hashCode();
  }

  @Override
  public String toString() {
    return "key " + id + " of a token";
  }
}
