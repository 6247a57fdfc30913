package io.sluice.cni;

import static java.nio.charset.StandardCharsets.US_ASCII;
import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.cni.Invocation.Outcome;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** What the file decides while no daemon is there: a pod starts only when that is certain. */
class MembershipDecisionTest {
  private static final byte[] FILE =
      MembershipText.of(
          "outside backup", "system kube-system", "mixed lab", "inside shop", "odd x");

  @TempDir Path directory;

  private Outcome add(String namespace) throws Exception {
    return Invocation.ofPod("ADD", namespace, "store-1").with(Config.in(directory)).run();
  }

  private void write(byte[] file) throws IOException {
    Files.write(Config.membership(directory), file);
  }

  private static void assertStarts(Outcome outcome) {
    assertThat(outcome.text()).isEqualTo(Config.RESULT);
    assertThat(outcome.exitStatus()).isZero();
  }

  private void assertWaits(Outcome outcome, String why) {
    assertThat(outcome.exitStatus()).isEqualTo(1);
    assertThat(outcome.code()).as(outcome.text()).isEqualTo(11);
    assertThat(outcome.message()).contains(Config.membership(directory) + why);
  }

  @ParameterizedTest
  @ValueSource(strings = {"kube-system", "backup"})
  void namespaceOutsideTheMeshStarts(String namespace) throws Exception {
    write(FILE);

    assertStarts(add(namespace));
  }

  @ParameterizedTest
  @CsvSource({
    "shop, says that the namespace is in the mesh",
    "lab, says that some of the namespace's pods are in the mesh",
    "x, gives the namespace the unknown kind odd",
    "elsewhere, does not name the pod's namespace",
    "kube-system2, does not name the pod's namespace",
    "kube, does not name the pod's namespace",
    "'', does not name the pod's namespace"
  })
  void everyOtherNamespaceWaits(String namespace, String why) throws Exception {
    write(FILE);

    assertWaits(add(namespace), " " + why);
  }

  @ParameterizedTest
  @CsvSource({"backup, 0", "shop, 1"})
  void checkDecidesAlike(String namespace, int exitStatus) throws Exception {
    write(FILE);
    Outcome outcome = Invocation.ofPod("CHECK", namespace, "a").with(Config.in(directory)).run();

    assertThat(outcome.exitStatus()).isEqualTo(exitStatus);
    assertThat(outcome.output().length == 0).isEqualTo(exitStatus == 0);
  }

  @ParameterizedTest
  @ValueSource(strings = {"", "IgnoreUnknown=1", "K8S_POD_NAME=a;XK8S_POD_NAMESPACE=shop", ";;=;"})
  void whatIsNoPodOfKubernetesStarts(String arguments) throws Exception {
    Invocation add = Invocation.of("ADD").with(Config.in(directory));

    assertStarts(add.with("CNI_ARGS", arguments).run());
  }

  @Test
  void lastOfTwoNamespacesCountsAsForTheDaemon() throws Exception {
    write(FILE);
    Invocation add = Invocation.of("ADD").with(Config.in(directory));

    assertStarts(add.with("CNI_ARGS", "K8S_POD_NAMESPACE=shop;K8S_POD_NAMESPACE=backup").run());
    assertWaits(
        add.with("CNI_ARGS", "K8S_POD_NAMESPACE=backup;K8S_POD_NAMESPACE=shop").run(), " says");
  }

  @Test
  void podWithoutANameIsToldByItsSandbox() throws Exception {
    write(FILE);
    Outcome outcome =
        Invocation.of("ADD")
            .with("CNI_ARGS", "K8S_POD_NAMESPACE=shop")
            .with(Config.in(directory))
            .run();

    assertThat(outcome.message()).startsWith("pod shop/sandbox-1 cannot start yet");
  }

  @Test
  void missingFile() throws Exception {
    assertWaits(add("kube-system"), " cannot be read: no such file");
  }

  @Test
  void directoryInItsPlace() throws Exception {
    Files.createDirectory(Config.membership(directory));

    assertWaits(add("kube-system"), " cannot be read: it is a directory");
  }

  @Test
  void fifoInItsPlaceIsNotWaitedFor() throws Exception {
    Process mkfifo = new ProcessBuilder("mkfifo", Config.membership(directory).toString()).start();
    assertThat(mkfifo.waitFor()).isZero();

    assertWaits(add("kube-system"), " does not begin with");
  }

  @ParameterizedTest
  @CsvSource({
    "'', does not begin with",
    "'sluice-membership 2\nsystem kube-system\n', does not begin with",
    "'sluice-membership 1\r\nsystem kube-system\n', does not begin with",
    "'\nsluice-membership 1\nsystem kube-system\n', does not begin with",
    "'sluice-membership 1\nkube-system\n', has a line without a namespace",
    "'sluice-membership 1\n\nsystem kube-system\n', has a line without a namespace",
    "'sluice-membership 1\nsystem kube-system\noutside kube-system\n', names the pod's namespace twice",
    "'sluice-membership 1\nsystem  kube-system\n', does not name the pod's namespace",
    "'sluice-membership 1\nsystem kube-system \n', does not name the pod's namespace",
    "'sluice-membership 1\nsystem kube-system', does not end with its checksum"
  })
  void fileThatIsMalformedThoughItsChecksumIsRight(String text, String why) throws Exception {
    write(MembershipText.checked(text));

    assertWaits(add("kube-system"), " " + why);
  }

  @Test
  void headerAloneIsCutOff() throws Exception {
    write(MembershipText.HEADER.getBytes(US_ASCII));

    assertWaits(add("kube-system"), " is cut off");
  }

  @Test
  void everyChangeOfOneByteIsNoticed() throws Exception {
    byte[] file = MembershipText.of("outside a", "system kube-system");
    write(file);
    assertStarts(add("kube-system"));
    for (int i = 0; i < file.length; i++) {
      byte[] changed = file.clone();
      changed[i] ^= 0x20;
      write(changed);

      assertWaits(add("kube-system"), " does not ");
    }
  }

  @Test
  void everyCutIsNoticed() throws Exception {
    byte[] file = MembershipText.of("outside a", "system kube-system");
    for (int length = 0; length < file.length; length++) {
      write(Arrays.copyOf(file, length));

      assertWaits(add("kube-system"), "");
    }
  }

  @Test
  void bytesBehindTheChecksumAreNoticed() throws Exception {
    byte[] file = Arrays.copyOf(FILE, FILE.length + 1);
    file[FILE.length] = '\n';
    write(file);

    assertWaits(add("kube-system"), " does not end with its checksum");
  }

  @Test
  void checksumInCapitalLettersIsNone() throws Exception {
    String file = new String(FILE, US_ASCII);
    int digits = file.lastIndexOf(' ');
    String capital = file.substring(digits).toUpperCase(java.util.Locale.ROOT);
    assertThat(capital).isNotEqualTo(file.substring(digits));
    write((file.substring(0, digits) + capital).getBytes(US_ASCII));

    assertWaits(add("kube-system"), " does not end with its checksum");
  }

  @Test
  void fileMayHaveOneMebibyteAndNotMore() throws Exception {
    byte[] largest = ofSize(1 << 20);
    byte[] tooLarge = ofSize((1 << 20) + 1);
    assertThat(largest).hasSize(1 << 20);

    write(largest);
    assertStarts(add("zz"));
    write(tooLarge);
    assertWaits(add("zz"), " is larger than 1 MiB");
  }

  /** A valid file of that size, in which zz is the last namespace and is outside. */
  private static byte[] ofSize(int size) {
    int fixed = MembershipText.of("outside zz").length;
    StringBuilder text = new StringBuilder(MembershipText.HEADER);
    int left = size - fixed;
    for (int i = 0; left > 0; i++) {
      String line = "inside n" + i;
      int length = left < 200 ? left : 100;
      text.append(line).append("x".repeat(length - line.length() - 1)).append('\n');
      left -= length;
    }
    return MembershipText.checked(text.append("outside zz\n").toString());
  }
}
