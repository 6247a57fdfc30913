package io.sluice.lab.site;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/**
 * A certificate that {@code openssl} has made, so not the mesh's authority. Its files stay below
 * the folder.
 *
 * @param certificate as PEM
 * @param key its key, as PEM
 */
public record OpensslCertificate(Path certificate, Path key) {
  private static final List<String> DAY_LONG =
      List.of(
          "openssl",
          "req",
          "-x509",
          "-newkey",
          "ec",
          "-pkeyopt",
          "ec_paramgen_curve:P-256",
          "-nodes",
          "-days",
          "1");

  /**
   * Signed by itself, valid for a day.
   *
   * @param name of the files
   * @param subject as {@code openssl req -subj} takes it
   * @param extensions as {@code openssl req -addext} takes them
   */
  public static OpensslCertificate selfSigned(
      Path directory, String name, String subject, String... extensions) {
    return make(
        List.of(),
        directory.resolve(name + ".crt"),
        directory.resolve(name + ".key"),
        subject,
        List.of(),
        extensions);
  }

  /** A root, below which {@link #signs} makes others; valid for a day. */
  public static OpensslCertificate root(Path directory, String name) {
    return root(List.of(), directory, name);
  }

  /** The same, made when that clock shows. */
  public static OpensslCertificate root(MovedClock clock, Path directory, String name) {
    return root(clock.launcher(), directory, name);
  }

  private static OpensslCertificate root(List<String> launcher, Path directory, String name) {
    return make(
        launcher,
        directory.resolve(name + ".crt"),
        directory.resolve(name + ".key"),
        "/CN=" + name,
        List.of(),
        "basicConstraints=critical,CA:TRUE",
        "keyUsage=critical,keyCertSign,cRLSign");
  }

  /** One for the SPIFFE ID {@code identity} below this root, beside it; valid for a day. */
  public OpensslCertificate signs(String name, String identity) {
    return signs(certificate.resolveSibling(name), "URI:" + identity);
  }

  /**
   * One below this root; valid for a day.
   *
   * @param files of which the names have further endings
   * @param names as {@code openssl} takes a subjectAltName
   */
  public OpensslCertificate signs(Path files, String names) {
    return make(
        List.of(),
        files.resolveSibling(files.getFileName() + ".crt"),
        files.resolveSibling(files.getFileName() + ".key"),
        "/O=workload",
        List.of("-CA", certificate.toString(), "-CAkey", key.toString()),
        "subjectAltName=" + names,
        "basicConstraints=critical,CA:FALSE",
        "keyUsage=critical,digitalSignature",
        "extendedKeyUsage=clientAuth,serverAuth");
  }

  private static OpensslCertificate make(
      List<String> launcher,
      Path certificate,
      Path key,
      String subject,
      List<String> issuer,
      String... extensions) {
    OpensslCertificate made = new OpensslCertificate(certificate, key);
    List<String> command = new ArrayList<>(launcher);
    command.addAll(DAY_LONG);
    command.addAll(issuer);
    command.addAll(List.of("-subj", subject));
    command.addAll(List.of("-keyout", made.key.toString(), "-out", made.certificate.toString()));
    for (String extension : extensions) {
      command.addAll(List.of("-addext", extension));
    }
    Commands.run(command.toArray(String[]::new));
    return made;
  }
}
