package io.sluice.control.authority.builtin;

import io.sluice.control.authority.AuthorityException;
import io.sluice.control.authority.AuthorityException.Reason;
import io.sluice.control.authority.svid.Issuer;
import io.sluice.control.authority.svid.Pem;
import io.sluice.mesh.FileFault;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermission;
import java.security.cert.X509Certificate;
import java.security.interfaces.RSAKey;
import java.util.Set;

/**
 * A certificate authority that somebody brings along, as two PEM files with the names that OSM's
 * secret uses: {@code ca.crt} (the certificate that signs first, then its issuers up to the root)
 * and {@code private.key}.
 */
public final class ImportedAuthority {
  private static final Set<PosixFilePermission> FOR_EVERYBODY =
      Set.of(PosixFilePermission.OTHERS_READ, PosixFilePermission.OTHERS_WRITE);

  private static final int SHORTEST_RSA_BITS = 2048;

  private ImportedAuthority() {}

  /**
   * Reads and checks both files.
   *
   * @throws AuthorityException naming the file, what is wrong with it and what to do
   */
  public static Issuer read(Path certificateFile, Path keyFile) {
    Pem certificates = Pem.parse(text(certificateFile), certificateFile.toString());
    if (certificates.certificates().isEmpty()) {
      throw wrong(certificateFile, "there is no certificate in it");
    }
    Set<PosixFilePermission> open = permissions(keyFile);
    open.retainAll(FOR_EVERYBODY);
    if (!open.isEmpty()) {
      throw new AuthorityException(
          Reason.STORE_DAMAGED,
          keyFile.toString(),
          "everybody on this machine can read or change it",
          "chmod o-rwx, or defaultMode: 0440 where it is a mounted Secret");
    }
    Pem keys = Pem.parse(text(keyFile), keyFile.toString());
    if (keys.keys().size() != 1) {
      throw wrong(keyFile, "there are " + keys.keys().size() + " private keys in it, not one");
    }
    Issuer issuer =
        Issuer.checked(
            certificates.certificates(),
            keys.keys().getFirst(),
            certificateFile + " with " + keyFile);
    for (X509Certificate certificate : issuer.chain()) {
      if (certificate.getPublicKey() instanceof RSAKey rsa
          && rsa.getModulus().bitLength() < SHORTEST_RSA_BITS) {
        throw wrong(certificateFile, "an RSA key of less than " + SHORTEST_RSA_BITS + " bits");
      }
    }
    return issuer;
  }

  private static String text(Path file) {
    try {
      if (Files.size(file) > Pem.LONGEST_TEXT) {
        throw wrong(file, "it is longer than " + Pem.LONGEST_TEXT + " bytes");
      }
      return Files.readString(file);
    } catch (IOException e) {
      throw wrong(file, "it cannot be read (" + FileFault.reason(e) + ")");
    }
  }

  private static Set<PosixFilePermission> permissions(Path file) {
    try {
      return Files.getPosixFilePermissions(file);
    } catch (IOException e) {
      throw wrong(file, "it cannot be read (" + FileFault.reason(e) + ")");
    }
  }

  private static AuthorityException wrong(Path file, String problem) {
    return new AuthorityException(
        Reason.STORE_DAMAGED,
        file.toString(),
        problem,
        "ca.crt holds the chain up to the root, private.key the key of its first certificate");
  }
}
