package io.sluice.cli;

import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.cli.output.ExitCode;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** A file or folder that an option names and that is none: told before anything is made. */
class PathArgumentsTest {
  @TempDir private Path directory = Path.of("");
  private final StringWriter err = new StringWriter();

  @ParameterizedTest
  @CsvSource(
      delimiter = ';',
      value = {
        "node run --registry FILE; --registry FILE is not a folder, but a file; name a folder",
        "node run --registry GONE; --registry GONE is not a folder: it does not exist; name a folder",
        "node run --registry REG --state FILE; --state FILE is not a folder, but a file; name a folder",
        "node run --registry REG --state FILE/x/y; --state FILE/x/y is not a folder: FILE is a file; name",
        "node run --registry REG --access-log REG; --access-log REG is a folder; name a file",
        "node run --registry REG --access-log GONE/log; --access-log GONE/log cannot be written: there is no folder GONE; make it, or name",
        "node run --registry REG --access-log FILE/log; --access-log FILE/log cannot be written: FILE is a file; name",
        "node run --registry REG --started-file GONE/x; --started-file GONE/x cannot be written: there is no",
        "node run --registry REG --proc GONE; --proc GONE is not a proc file system",
        "node run --registry REG --control a:1 --control-token GONE --control-roots FILE; --control-token GONE cannot be read: there is no such file; name another",
        "node run --registry REG --control a:1 --control-token FILE --control-roots REG; --control-roots REG is a folder; name a file",
        "node run --registry REG --standalone --state ST --proc GONE --metrics-address 15920; --metrics-address '15920' has no port",
        "node cleanup --node-name none --state FILE; --state FILE is not a folder, but a file",
        "node cleanup --node-name none --proc FILE; --proc FILE is not a proc file system",
        "node cleanup --node-name none --proc REG; --proc REG is not a proc file system",
        "node cni status --state FILE; --state FILE is not a folder, but a file",
        "node cni status --cni-root FILE; --cni-root FILE is not a folder, but a file",
        "node cni uninstall --cni-root GONE; --cni-root GONE is not a folder: it does not exist",
        "control run --registry FILE --state ST; --registry FILE is not a folder, but a file",
        "control run --registry REG --state FILE; --state FILE is not a folder, but a file",
        "control run --registry REG --state FILE/x; --state FILE/x is not a folder: FILE is a file",
        "control run --registry REG --state ST --authority-file GONE; --authority-file GONE cannot be read: there is no such file; name another",
        "control run --registry REG --state ST --authority-file REG; --authority-file REG is a folder; name a file",
        "control run --registry REG --state ST --metrics-address 1 --webhook-certificate GONE --webhook-key FILE; --webhook-certificate GONE cannot be read: there is no such file",
        "control run --registry REG --state ST --metrics-address 1 --webhook-certificate FILE --webhook-key REG; --webhook-key REG is a folder; name a file",
        "control status --state FILE; --state FILE is not a folder, but a file",
        "control token list --state GONE; --state GONE is not a folder: it does not exist",
        "offline --state FILE; --state FILE is not a folder, but a file",
        "offline --state ST --seal-key GONE; --seal-key GONE cannot be read: there is no such file; name another",
        "check --state FILE; --state FILE is not a folder, but a file",
        "check --control-state FILE; --control-state FILE is not a folder, but a file",
        "check --cni-root GONE; --cni-root GONE is not a folder: it does not exist",
        "support bug-report --node-name none --log GONE; --log GONE cannot be read: there is no such file; name another",
        "support bug-report --node-name none --log REG; --log REG is a folder; name a file",
        "check --state FILE/x; --state FILE/x is not a folder: FILE is a file; name another folder",
        "policy replay REG --state GONE; --state GONE is not a folder: it does not exist",
        "validate FILE/x; FILE/x: the file cannot be read: Not a directory",
        "namespace list --kubeconfig FILE; --kubeconfig FILE is no kubeconfig; name one, such as",
        "namespace list --kubeconfig REG; --kubeconfig REG cannot be read: Is a directory",
        "init FILE; DIR FILE is not a folder, but a file; name a folder",
        "init FILE/x; DIR FILE/x is not a folder: FILE is a file; name another folder",
      })
  void whatIsNoneIsToldByOptionPathAndMend(String line, String told) throws IOException {
    assertThat(run(line)).isEqualTo(ExitCode.USAGE.code());
    assertIsTold(told);
  }

  @Test
  void aRecordThatHasNotBegunIsNoWrongFolder() throws IOException {
    assertThat(run("policy replay REG --state ST")).isNotZero().isNotEqualTo(ExitCode.USAGE.code());
    assertIsTold("nothing is recorded in ST/flows yet: a daemon writes the first 5 minutes after");
  }

  private int run(String line) throws IOException {
    Files.writeString(directory.resolve("file"), "x");
    Files.createDirectory(directory.resolve("reg"));
    Files.createDirectory(
        directory.resolve("st"),
        PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rwx------")));

    String[] words = placed(line).split(" ");
    return SluiceCommand.commandLineFor(words)
        .setOut(new PrintWriter(new StringWriter()))
        .setErr(new PrintWriter(err))
        .execute(words);
  }

  private void assertIsTold(String told) {
    assertThat(err.toString()).startsWith("sluice: ").contains(placed(told));
    assertThat(err.toString()).doesNotContain("Exception", "java.", "fabric8");
    assertThat(err.toString().lines()).hasSize(1);
  }

  private String placed(String text) {
    return text.replace("FILE", directory.resolve("file").toString())
        .replace("GONE", directory.resolve("gone").toString())
        .replace("REG", directory.resolve("reg").toString())
        .replace("ST", directory.resolve("st").toString());
  }
}
