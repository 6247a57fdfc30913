package io.sluice.proxy.tls;

import io.sluice.mesh.TrustDomain;
import java.io.ByteArrayInputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.cert.CertificateFactory;
import java.security.cert.X509Certificate;
import java.time.Duration;
import java.time.Instant;
import java.time.ZoneOffset;
import java.time.format.DateTimeFormatter;
import java.util.List;

/** A root and leaves that {@code openssl} makes from a configuration, in a directory of its own. */
public final class OpenSslAuthority {
  private static final DateTimeFormatter TIME =
      DateTimeFormatter.ofPattern("yyyyMMddHHmmss'Z'").withZone(ZoneOffset.UTC);

  private static final String CONFIGURATION =
      """
      [ca]
      default_ca = root
      [root]
      database = index.txt
      new_certs_dir = .
      certificate = root.pem
      private_key = root.key
      rand_serial = yes
      unique_subject = no
      default_md = sha256
      policy = any
      [any]
      organizationName = optional
      [req]
      distinguished_name = name
      prompt = no
      [name]
      O = workload
      [root_extensions]
      basicConstraints = critical, CA:TRUE
      keyUsage = critical, keyCertSign, cRLSign
      subjectKeyIdentifier = hash
      """;

  private final Path directory;
  private int leaves;

  public OpenSslAuthority(Path directory) throws Exception {
    this.directory = Files.createDirectories(directory);
    Files.writeString(directory.resolve("ca.cnf"), CONFIGURATION);
    Files.createFile(directory.resolve("index.txt"));
    openssl("ecparam -name prime256v1 -genkey -noout -out root.key");
    openssl(
        "req -x509 -new -config ca.cnf -key root.key -days 2 -subj /CN=root -out root.pem"
            + " -extensions root_extensions");
  }

  private String openssl(String arguments) throws Exception {
    return OpenSsl.run(directory, arguments.split(" "));
  }

  public TrustBundles bundle() throws Exception {
    byte[] pem = Files.readAllBytes(directory.resolve("root.pem"));
    var root =
        (X509Certificate)
            CertificateFactory.getInstance("X.509")
                .generateCertificate(new ByteArrayInputStream(pem));
    return TestAuthority.bundle(List.of(TrustDomain.CLUSTER_LOCAL), root);
  }

  /** A leaf that is valid for an hour, with a P-256 key. */
  public Path leaf(String... extensions) throws Exception {
    return leaf(
        "EC -pkeyopt ec_paramgen_curve:P-256",
        Duration.ofMinutes(-5),
        Duration.ofHours(1),
        extensions);
  }

  /**
   * File of a leaf and its key.
   *
   * @param key as {@code openssl genpkey} names it
   * @param from begin and end of its validity, from now
   * @param extensions lines of an OpenSSL configuration
   */
  public Path leaf(String key, Duration from, Duration to, String... extensions) throws Exception {
    String name = "leaf" + leaves++;
    Instant now = Instant.now();
    Files.write(directory.resolve(name + ".cnf"), List.of(extensions));
    openssl("genpkey -algorithm " + key + " -out " + name + ".key");
    openssl("req -new -config ca.cnf -key " + name + ".key -out " + name + ".csr");
    openssl(
        "ca -batch -notext -config ca.cnf -in "
            + name
            + ".csr -out "
            + name
            + ".crt"
            + " -extfile "
            + name
            + ".cnf"
            + " -startdate "
            + TIME.format(now.plus(from))
            + " -enddate "
            + TIME.format(now.plus(to)));
    Path both = directory.resolve(name + ".pem");
    Files.write(both, Files.readAllBytes(directory.resolve(name + ".crt")));
    Files.writeString(
        both,
        Files.readString(directory.resolve(name + ".key")),
        java.nio.file.StandardOpenOption.APPEND);
    return both;
  }
}
