package io.sluice.mesh.svid;

import java.math.BigInteger;
import java.security.GeneralSecurityException;
import java.security.KeyFactory;
import java.security.KeyPair;
import java.security.spec.RSAPrivateCrtKeySpec;
import java.security.spec.RSAPublicKeySpec;

/**
 * The RSA key of a size, always the same one: to look for primes takes a JVM that does not optimise
 * seconds.
 */
public final class RsaKeys {
  private RsaKeys() {}

  /** Of 1024, 2048 or 4096 bits; for the exponents 3 and 65537. */
  public static KeyPair of(int bits, int exponent) {
    int[] distance =
        switch (bits) {
          case 1024 -> new int[] {569, 761};
          case 2048 -> new int[] {179, 1037};
          case 4096 -> new int[] {2543, 899};
          default -> throw new IllegalArgumentException("no primes for " + bits + " bits");
        };
    BigInteger one = BigInteger.ONE;
    BigInteger p = one.shiftLeft(bits / 2).subtract(BigInteger.valueOf(distance[0]));
    BigInteger q =
        BigInteger.valueOf(3).shiftLeft(bits / 2 - 2).add(BigInteger.valueOf(distance[1]));
    BigInteger e = BigInteger.valueOf(exponent);
    BigInteger d = e.modInverse(p.subtract(one).multiply(q.subtract(one)));
    try {
      KeyFactory factory = KeyFactory.getInstance("RSA");
      return new KeyPair(
          factory.generatePublic(new RSAPublicKeySpec(p.multiply(q), e)),
          factory.generatePrivate(
              new RSAPrivateCrtKeySpec(
                  p.multiply(q),
                  e,
                  d,
                  p,
                  q,
                  d.mod(p.subtract(one)),
                  d.mod(q.subtract(one)),
                  q.modInverse(p))));
    } catch (GeneralSecurityException failed) {
      throw new IllegalStateException(failed);
    }
  }
}
