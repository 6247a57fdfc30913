package io.sluice.control.authority.builtin;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.junit.jupiter.params.provider.Arguments.arguments;

import io.sluice.control.authority.AuthorityException;
import io.sluice.control.authority.AuthorityException.Reason;
import io.sluice.control.authority.svid.Pem;
import io.sluice.control.authority.svid.SigningKey;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.security.cert.X509Certificate;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/** What is on disk is used as it was written or not at all, and never written over. */
class DamagedStoreTest {
  private interface Damage {
    String to(String text) throws Exception;
  }

  @TempDir private Path home;
  private Site site;

  @BeforeEach
  void makeAnAuthority() {
    site = Site.in(home);
    site.open().close();
  }

  private static Arguments damage(String file, String problem, Damage damage) {
    return arguments(file, problem, damage);
  }

  private static Stream<Arguments> damages() {
    return Stream.of(
        damage("root-", "instead of a chain", text -> ""),
        damage("root-", "cut off", text -> text.substring(0, text.length() / 2)),
        damage("root-", "cut off", text -> text.substring(0, text.length() - 30)),
        damage(
            "root-", "instead of a chain", text -> text.substring(text.indexOf("-----BEGIN PR"))),
        damage(
            "root-",
            "instead of a chain",
            text -> text.substring(0, text.indexOf("-----BEGIN PR"))),
        damage("root-", "cannot be read", text -> text.replaceFirst("MII", "!!!")),
        damage("root-", "cannot be read", text -> text.replaceFirst("MII", "AAA")),
        damage("root-", "does not belong", DamagedStoreTest::withAnotherKey),
        damage("intermediate-", "does not belong", DamagedStoreTest::withAnotherKey),
        damage("intermediate-", "cut off", text -> text.substring(0, 100)),
        damage("intermediate-", "last and not self-signed", DamagedStoreTest::withoutItsRoot),
        damage("state.json", "not whole JSON", text -> text.substring(0, text.length() / 2)),
        damage("state.json", "not whole JSON", text -> text + "{}"),
        damage("state.json", "format", text -> ""),
        damage("state.json", "format", text -> text.replaceFirst("1", "2")),
        damage("state.json", "names no root", text -> text.replaceAll("[0-9a-f]{16}", "../../x")),
        damage("state.json", "generation", text -> text.replaceAll("generation", "genration")),
        damage("state.json", "phase", text -> text.replaceAll("single", "double")));
  }

  @ParameterizedTest
  @MethodSource("damages")
  void damageIsNamedAndNothingIsTouched(String prefix, String problem, Damage damage)
      throws Exception {
    Path file = site.file(prefix);
    Files.writeString(file, damage.to(Files.readString(file)));
    Map<Path, String> before = contents();

    assertThatExceptionOfType(AuthorityException.class)
        .isThrownBy(site::open)
        .withMessageContaining(file.toString())
        .withMessageContaining(problem)
        .satisfies(e -> assertThat(e.reason()).isEqualTo(Reason.STORE_DAMAGED));
    assertThat(contents()).isEqualTo(before);
  }

  @Test
  void aRootThatTheStateNamesMustBeThere() throws Exception {
    Path root = site.file("root-");
    Files.delete(root);

    assertThatExceptionOfType(AuthorityException.class)
        .isThrownBy(site::open)
        .withMessageContaining(root.toString());
  }

  @Test
  void filesAndDirectoryMustBeTheOwnersAlone() throws Exception {
    for (Path path : List.of(site.keys(), site.file("root-"), site.file("state.json"))) {
      var before = Files.getPosixFilePermissions(path);
      Files.setPosixFilePermissions(path, PosixFilePermissions.fromString("rwxr-----"));

      assertThatExceptionOfType(AuthorityException.class)
          .isThrownBy(site::open)
          .withMessageContaining(path + ": it is open to others (rwxr-----)")
          .withMessageContaining("chmod");
      Files.setPosixFilePermissions(path, before);
    }
    site.open().close();
  }

  @Test
  void writesFilesForTheOwnerAlone() throws Exception {
    assertThat(mode(site.keys())).isEqualTo("rwx------");
    for (String prefix : List.of("root-", "intermediate-", "state.json")) {
      assertThat(mode(site.file(prefix))).isEqualTo("rw-------");
    }
  }

  @Test
  void aFirstStartThatWasCutOffKeepsItsRoot() throws Exception {
    String root = Files.readString(site.file("root-"));
    Files.delete(site.file("state.json"));
    Files.delete(site.file("intermediate-"));
    Files.writeString(site.keys().resolve(".state.json.tmp"), "{\"for");
    try (BuiltInAuthority authority = site.open()) {
      X509Certificate used = authority.trustBundle().roots().getFirst();
      assertThat(Pem.parse(root, "root").certificates()).containsExactly(used);
    }
    assertThat(site.keys().resolve(".state.json.tmp")).doesNotExist();
  }

  @Test
  void withoutItsStateAndWithTwoRootsItAsks() throws Exception {
    try (BuiltInAuthority authority = site.open()) {
      authority.beginRotation();
    }
    Files.delete(site.file("state.json"));

    assertThatExceptionOfType(AuthorityException.class)
        .isThrownBy(site::open)
        .withMessageContaining("state.json")
        .withMessageContaining("more than one root");
  }

  @Test
  void theTrustDomainOfAnAuthorityDoesNotChange() {
    assertThatExceptionOfType(AuthorityException.class)
        .isThrownBy(() -> site.open(Optional.empty(), "other.example"))
        .withMessageContaining("site.example")
        .withMessageContaining("other.example");
  }

  private static String withAnotherKey(String text) {
    Pem pem = Pem.parse(text, "test");
    return new Pem(pem.certificates(), List.of(SigningKey.P256.generate().getPrivate())).text();
  }

  private static String withoutItsRoot(String text) {
    Pem pem = Pem.parse(text, "test");
    return new Pem(pem.certificates().subList(0, 1), pem.keys()).text();
  }

  private static String mode(Path path) throws IOException {
    return PosixFilePermissions.toString(Files.getPosixFilePermissions(path));
  }

  private Map<Path, String> contents() throws IOException {
    Map<Path, String> contents = new TreeMap<>();
    try (Stream<Path> files = Files.list(site.keys())) {
      for (Path file : files.toList()) {
        contents.put(file, Files.readString(file));
      }
    }
    return contents;
  }
}
