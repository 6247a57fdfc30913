package io.sluice.control.authority.token;

import io.sluice.control.authority.svid.Issuer;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.security.AuthProvider;
import java.security.KeyStore;
import java.security.Security;
import java.security.cert.X509Certificate;
import java.util.ArrayList;
import java.util.List;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** A new token of SoftHSM, with a PIN file in {@code home}. */
final class SoftToken {
  static final String PIN = "1234";
  private static final int MOST_TOKENS = 16;

  private static final Pattern SLOT = Pattern.compile("reassigned to slot (\\d+)");
  private static final List<Path> LIBRARIES =
      List.of(
          Path.of("/usr/lib/softhsm/libsofthsm2.so"),
          Path.of("/usr/lib/x86_64-linux-gnu/softhsm/libsofthsm2.so"),
          Path.of("/usr/lib/aarch64-linux-gnu/softhsm/libsofthsm2.so"));

  final TokenSettings settings;

  /** SoftHSM sees the tokens only that are there when a process loads it, so all are made first. */
  private static final Queue<Long> UNUSED_SLOTS = new ConcurrentLinkedQueue<>(makeTokens());

  SoftToken(Path home) throws Exception {
    Path pinFile = home.resolve("pin");
    Files.createFile(
        pinFile,
        PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rw-------")));
    Files.writeString(pinFile, PIN + "\n");
    settings =
        new TokenSettings(
            library(), new TokenSettings.SlotId(UNUSED_SLOTS.remove()), pinFile, "sluice");
  }

  private static List<Long> makeTokens() {
    try {
      Path configuration = Path.of(System.getenv("SOFTHSM2_CONF"));
      Path tokens = configuration.resolveSibling("tokens-" + ProcessHandle.current().pid());
      Files.createDirectories(tokens);
      Files.writeString(
          configuration, "directories.tokendir = " + tokens + "\nlog.level = ERROR\n");
      List<Long> slots = new ArrayList<>();
      for (int i = 0; i < MOST_TOKENS; i++) {
        slots.add(makeToken());
      }
      return slots;
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private static long makeToken() throws IOException {
    List<String> command = new ArrayList<>(List.of("softhsm2-util", "--init-token", "--free"));
    command.addAll(List.of("--label", "sluice-test", "--pin", PIN, "--so-pin", "56789"));
    Process made = new ProcessBuilder(command).redirectErrorStream(true).start();
    String said = new String(made.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    Matcher slot = SLOT.matcher(said);
    if (!slot.find()) {
      throw new IOException("softhsm2-util made no token: " + said);
    }
    return Long.parseLong(slot.group(1));
  }

  static Path library() {
    return LIBRARIES.stream().filter(Files::exists).findFirst().orElseThrow();
  }

  /** What an operator does with other tools: a key and its chain under our label. */
  void bring(Issuer issuer) throws Exception {
    AuthProvider provider = provider();
    KeyStore store = KeyStore.getInstance("PKCS11", provider);
    store.load(null, PIN.toCharArray());
    store.setKeyEntry("sluice", issuer.key(), null, issuer.chain().toArray(X509Certificate[]::new));
  }

  /** Ends the login of this whole process, as a token does that is reset or pulled out. */
  void logOut() throws Exception {
    AuthProvider provider = provider();
    KeyStore.getInstance("PKCS11", provider);
    provider.logout();
  }

  private AuthProvider provider() {
    return (AuthProvider)
        Security.getProvider("SunPKCS11").configure(settings.providerConfiguration());
  }
}
