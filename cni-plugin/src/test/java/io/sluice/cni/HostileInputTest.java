package io.sluice.cni;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.sluice.attack.Attack;
import io.sluice.cni.Invocation.Outcome;
import java.io.ByteArrayOutputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Mutated configurations: always an exit with 0 or 1 and one JSON document or nothing. */
class HostileInputTest {
  private static final int CONFIGURATIONS = 800;
  private static final int WORKERS = 4;
  private static final long SEED = 20_260_101;

  private static final String[] COMMANDS = {
    "ADD", "ADD", "ADD", "CHECK", "DEL", "GC", "STATUS", "VERSION"
  };

  private static final String[] FRAGMENTS = {
    "{",
    "}",
    "[",
    "]",
    "\"",
    "\\",
    "\\u",
    "\\ud800",
    ",",
    ":",
    "null",
    "-",
    "1e999",
    "0",
    "\0",
    "\n",
    "\"prevResult\":",
    "\"timeoutSeconds\":0,",
    "\"cniVersion\":\"9\",",
    "é",
    "{\"prevResult\":{}}"
  };

  @TempDir Path directory;

  @Tag("attack")
  @Test
  void clientNeitherCrashesNorPrintsAnythingButJson() throws Exception {
    tryConfigurations(CONFIGURATIONS);

    Attack.tried(CONFIGURATIONS + " damaged configurations to the CNI client")
        .refusedBy("the CNI client: an error of CNI, no crash")
        .countedAs("exit code 1 and an error in JSON, for the runtime");
  }

  @Tag("long")
  @Test
  void norDoesItOfMore() throws Exception {
    tryConfigurations(10 * CONFIGURATIONS);
  }

  private void tryConfigurations(int configurations) throws Exception {
    Files.write(Config.membership(directory), MembershipText.of("outside backup"));
    try (ExecutorService workers = Executors.newFixedThreadPool(WORKERS)) {
      List<Future<Integer>> shares = new ArrayList<>();
      for (int worker = 0; worker < WORKERS; worker++) {
        Random random = new Random(SEED + worker);
        shares.add(workers.submit(() -> runShare(configurations / WORKERS, random)));
      }
      int successes = 0;
      for (Future<Integer> share : shares) {
        successes += share.get();
      }

      // Otherwise all of them would have failed at the first byte.
      assertThat(successes).isBetween(configurations / 10, configurations * 9 / 10);
    }
  }

  /** Returns how many configurations were taken. */
  private int runShare(int configurations, Random random) throws Exception {
    int successes = 0;
    for (int i = 0; i < configurations; i++) {
      byte[] config = mutated(Config.in(directory).bytes(), random);
      String command = COMMANDS[random.nextInt(COMMANDS.length)];
      Outcome outcome = Invocation.ofPod(command, "backup", "store-1").with(config).run();

      String shown = command + " " + new String(config, UTF_8);
      assertThat(outcome.exitStatus()).as(shown).isBetween(0, 1);
      if (outcome.output().length > 0) {
        assertThat(outcome.json().isObject()).as(shown).isTrue();
      } else {
        assertThat(outcome.exitStatus()).as(shown).isZero();
      }
      assertAgreesWithAnotherReader(command, config, outcome, shown);
      successes += 1 - outcome.exitStatus();
    }
    return successes;
  }

  /**
   * What the client takes for JSON another reader takes as well, and for ASCII also the reverse.
   */
  private static void assertAgreesWithAnotherReader(
      String command, byte[] config, Outcome outcome, String shown) {
    if (!command.equals("ADD") && !command.equals("CHECK")) {
      return;
    }
    boolean isTaken = outcome.exitStatus() == 0 || outcome.code() != 6;
    if (isTaken) {
      assertThat(isJsonObject(config)).as(shown).isTrue();
    } else if (!outcome.message().contains("surrogate") && !outcome.message().contains("UTF-8")) {
      assertThat(isJsonObject(config)).as(shown).isFalse();
    }
  }

  private static boolean isJsonObject(byte[] config) {
    try {
      // From text: a reader of bytes may guess another encoding from zeros.
      return new ObjectMapper()
          .enable(DeserializationFeature.FAIL_ON_TRAILING_TOKENS)
          .readTree(new String(config, UTF_8))
          .isObject();
    } catch (java.io.IOException e) {
      return false;
    }
  }

  private static byte[] mutated(byte[] config, Random random) {
    byte[] bytes = config;
    for (int changes = random.nextInt(3); changes >= 0; changes--) {
      int at = random.nextInt(bytes.length);
      int end = Math.min(bytes.length, at + 1 + random.nextInt(30));
      String fragment = FRAGMENTS[random.nextInt(FRAGMENTS.length)];
      bytes =
          switch (random.nextInt(6)) {
            case 0 -> spliced(bytes, at, at + 1, new byte[] {(byte) random.nextInt(256)});
            case 1 -> spliced(bytes, at, at, fragment.getBytes(UTF_8));
            case 2 -> spliced(bytes, at, end, new byte[0]);
            case 3 -> spliced(bytes, at, at, java.util.Arrays.copyOfRange(bytes, at, end));
            case 4 ->
                spliced(bytes, at, at, " \t\r\n".substring(random.nextInt(4)).getBytes(UTF_8));
            default ->
                random.nextInt(4) == 0 ? java.util.Arrays.copyOf(bytes, Math.max(1, at)) : bytes;
          };
    }
    return bytes;
  }

  /** The bytes with others in the place of {@code [from, to)}; never empty. */
  private static byte[] spliced(byte[] bytes, int from, int to, byte[] others) {
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    out.write(bytes, 0, from);
    out.writeBytes(others);
    out.write(bytes, to, bytes.length - to);
    return out.size() == 0 ? new byte[] {'{'} : out.toByteArray();
  }
}
