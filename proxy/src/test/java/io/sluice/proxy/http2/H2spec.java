package io.sluice.proxy.http2;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.InputStream;
import java.net.Inet6Address;
import java.net.InetSocketAddress;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.TimeUnit;
import javax.xml.parsers.DocumentBuilderFactory;
import org.w3c.dom.Document;
import org.w3c.dom.Element;
import org.w3c.dom.NodeList;

/** The h2spec program, from the Maven plug-in that carries it. */
public final class H2spec {
  /** How one case ended. */
  public enum Verdict {
    PASSED,
    FAILED,
    SKIPPED
  }

  private static final String ARCHIVE = "/h2spec/2.2.0/h2spec_linux_amd64.tar.gz";
  private static final int TIMEOUT_SECONDS = 2;
  private static final int LONGEST_RUN_SECONDS = 110;

  private final Path directory;

  /** Unpacks the program into {@code directory}. */
  public H2spec(Path directory) throws Exception {
    this.directory = directory;
    Process tar = new ProcessBuilder("tar", "-xz").directory(directory.toFile()).start();
    try (InputStream archive = H2spec.class.getResourceAsStream(ARCHIVE);
        var in = tar.getOutputStream()) {
      assertThat(archive).as("resource %s", ARCHIVE).isNotNull();
      archive.transferTo(in);
    }
    assertThat(tar.waitFor()).isZero();
  }

  /**
   * What it says of a server without TLS, by section and number of the case within it, such as
   * {@code http2/6.9.1/2}.
   */
  public Map<String, Verdict> run(InetSocketAddress server) throws Exception {
    Path report = directory.resolve("report.xml");
    Files.deleteIfExists(report);
    List<String> command = new ArrayList<>();
    command.add(directory.resolve("h2spec").toString());
    String host = server.getAddress().getHostAddress();
    boolean v6 = server.getAddress() instanceof Inet6Address;
    command.addAll(List.of("-S", "-h", v6 ? "[" + host + "]" : host));
    command.addAll(List.of("-p", Integer.toString(server.getPort())));
    command.addAll(List.of("-o", Integer.toString(TIMEOUT_SECONDS), "-j", report.toString()));
    Process process =
        new ProcessBuilder(command)
            .redirectErrorStream(true)
            .redirectOutput(directory.resolve("output.txt").toFile())
            .start();
    try {
      assertThat(process.waitFor(LONGEST_RUN_SECONDS, TimeUnit.SECONDS)).isTrue();
    } finally {
      process.destroyForcibly();
    }
    return verdicts(report);
  }

  private static Map<String, Verdict> verdicts(Path report) throws Exception {
    Document document =
        DocumentBuilderFactory.newInstance().newDocumentBuilder().parse(report.toFile());
    Map<String, Verdict> verdicts = new TreeMap<>();
    Map<String, Integer> numbers = new TreeMap<>();
    NodeList cases = document.getElementsByTagName("testcase");
    for (int i = 0; i < cases.getLength(); i++) {
      Element one = (Element) cases.item(i);
      String section = one.getAttribute("package");
      String name = section + "/" + numbers.merge(section, 1, Integer::sum);
      Verdict verdict =
          has(one, "failure") || has(one, "error")
              ? Verdict.FAILED
              : has(one, "skipped") ? Verdict.SKIPPED : Verdict.PASSED;
      verdicts.put(name, verdict);
    }
    return verdicts;
  }

  private static boolean has(Element element, String child) {
    return element.getElementsByTagName(child).getLength() > 0;
  }
}
