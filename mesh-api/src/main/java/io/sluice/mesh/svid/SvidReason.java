package io.sluice.mesh.svid;

/** Why a chain of certificates proves nobody. */
public enum SvidReason {
  NO_CERTIFICATE("the peer presented no certificate"),
  CHAIN_TOO_LONG("the peer's chain has more certificates than any authority of a mesh needs"),
  UNREADABLE("a certificate of the peer is damaged, oversized or says a thing twice"),
  NOT_AN_SVID("the peer's certificate breaks a rule of SPIFFE X.509-SVIDs"),
  WRONG_PURPOSE("the peer's certificate is not for this side of a connection"),
  WEAK("a key or signature of the peer's chain is too weak; have it issued anew"),
  NOT_YET_VALID("a certificate of the peer is not valid yet; compare the clocks"),
  EXPIRED("a certificate of the peer has expired; compare the clocks, then look at its renewal"),
  FOREIGN_TRUST_DOMAIN("there is no bundle for the peer's trust domain"),
  NAME_CONSTRAINED("an authority in the peer's chain may not sign for the peer's name"),
  UNTRUSTED("the peer's chain does not lead to the bundle of its trust domain");

  private final String explanation;

  SvidReason(String explanation) {
    this.explanation = explanation;
  }

  /** Half a sentence for people. */
  public String explanation() {
    return explanation;
  }

  /** Whether another clock would have judged otherwise. */
  public boolean isOfTime() {
    return this == NOT_YET_VALID || this == EXPIRED;
  }
}
