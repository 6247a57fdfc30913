package io.sluice.mesh;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.File;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.KeyStore;
import java.security.cert.X509Certificate;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

class SvidLeafTest {
  private static final String STORE = "spiffe://site.example/ns/shop/sa/store";
  private static final String NAME = "san=uri:" + STORE;

  @TempDir private Path home;

  /** A certificate by the extensions that keytool is told to write. */
  private record Case(SvidLeaf expected, String... extensions) {
    @Override
    public String toString() {
      return expected + " of " + List.of(extensions);
    }
  }

  private static Stream<Case> cases() {
    return Stream.of(
        new Case(new SvidLeaf.Proper(STORE), NAME, "ku:c=digitalSignature"),
        new Case(new SvidLeaf.Proper(STORE), NAME + ",dns:store.example", "ku:c=digitalSignature"),
        new Case(new SvidLeaf.NotOneUri(0), "ku:c=digitalSignature"),
        new Case(new SvidLeaf.NotOneUri(0), "san=dns:store.example", "ku:c=digitalSignature"),
        new Case(
            new SvidLeaf.NotOneUri(2),
            NAME + ",uri:spiffe://site.example/ns/bank/sa/vault",
            "ku:c=digitalSignature"),
        new Case(new SvidLeaf.Authority(STORE), NAME, "bc:c=ca:true", "ku:c=digitalSignature"),
        new Case(new SvidLeaf.CannotSignHandshakes(STORE), NAME),
        new Case(new SvidLeaf.CannotSignHandshakes(STORE), NAME, "ku:c=keyAgreement"),
        new Case(new SvidLeaf.SignsCertificates(STORE), NAME, "ku:c=digitalSignature,keyCertSign"),
        new Case(new SvidLeaf.SignsCertificates(STORE), NAME, "ku:c=digitalSignature,cRLSign"));
  }

  @ParameterizedTest
  @MethodSource("cases")
  void tellsTheFirstRuleThatALeafBreaks(Case one) throws Exception {
    assertThat(SvidLeaf.of(certificate(one.extensions()))).isEqualTo(one.expected());
  }

  private X509Certificate certificate(String... extensions) throws Exception {
    Path file = home.resolve("store.p12");
    List<String> command = new ArrayList<>();
    command.add(Path.of(System.getProperty("java.home"), "bin", "keytool").toString());
    command.addAll(List.of("-genkeypair", "-keystore", file.toString(), "-storepass", "secret"));
    command.addAll(List.of("-alias", "leaf", "-keyalg", "EC", "-dname", "CN=leaf"));
    for (String extension : extensions) {
      command.addAll(List.of("-ext", extension));
    }
    File log = home.resolve("log").toFile();
    Process keytool =
        new ProcessBuilder(command).redirectErrorStream(true).redirectOutput(log).start();
    assertThat(keytool.waitFor()).as(Files.readString(log.toPath())).isZero();
    KeyStore store = KeyStore.getInstance("PKCS12");
    try (InputStream in = Files.newInputStream(file)) {
      store.load(in, "secret".toCharArray());
    }
    return (X509Certificate) store.getCertificate("leaf");
  }
}
