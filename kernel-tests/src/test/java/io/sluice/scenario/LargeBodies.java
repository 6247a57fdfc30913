package io.sluice.scenario;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Random;

/** Files that go to a server and back. */
final class LargeBodies {
  private static final int BYTES = 32 << 20;

  private final String account;

  LargeBodies(String account) {
    this.account = account;
  }

  /** Twice: what the first leaves in the daemon's memory is there for the second too. */
  void check(Cell cell) throws IOException {
    Path folder = cell.site().directory();
    Path original = folder.resolve("original-" + cell.number());
    byte[] bytes = new byte[BYTES];
    new Random(cell.number()).nextBytes(bytes);
    Files.write(original, bytes);
    send(cell, original);
    long before = residentKib(cell.site().servingPid());
    send(cell, original);
    assertThat(residentKib(cell.site().servingPid()) - before)
        .as("growth in KiB")
        .isLessThan(BYTES / 1_024 / 2);
  }

  private void send(Cell cell, Path original) throws IOException {
    Path folder = cell.site().directory();
    Path back = folder.resolve("back-" + cell.number());
    String url = "http://bookstore/files/body-" + cell.number();
    List<Answer> answers =
        cell.ask(
            account,
            List.of(
                Request.get(url).with("upload-file = \"" + original + '"'),
                Request.get(url).with("output = \"" + back + '"')));
    assertThat(answers).extracting(Answer::status).containsExactly(201, 200);
    Path stored = folder.resolve("nginx-v1/files/body-" + cell.number());
    assertThat(Files.mismatch(original, stored)).isEqualTo(-1);
    assertThat(Files.mismatch(original, back)).isEqualTo(-1);
    Files.delete(stored);
    Files.delete(back);
  }

  static long residentKib(long pid) throws IOException {
    return Files.readAllLines(Path.of("/proc", Long.toString(pid), "status")).stream()
        .filter(line -> line.startsWith("VmRSS:"))
        .mapToLong(line -> Long.parseLong(line.replaceAll("\\D", "")))
        .findFirst()
        .orElseThrow();
  }
}
