package io.sluice.control.issuing;

import io.sluice.mesh.SpiffeId;
import java.math.BigInteger;

/** Who is refused although the certificate is valid. Any thread; never blocks. */
public interface Denials {
  /** Denies nobody. */
  Denials NONE = (identity, serial) -> false;

  /** Whether a certificate with this identity and serial number is refused. */
  boolean denies(SpiffeId identity, BigInteger serial);
}
