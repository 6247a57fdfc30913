package io.sluice.dashboard;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.awt.image.BufferedImage;
import java.awt.image.DataBuffer;
import java.awt.image.IndexColorModel;
import java.io.BufferedReader;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.net.http.WebSocket;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Base64;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.Collectors;
import javax.imageio.ImageIO;

/**
 * Debian's Chromium without a window, driven by its DevTools protocol. Without its sandbox, which
 * it has not for root: it sees pages of the tests alone.
 */
public final class Browser implements AutoCloseable {
  private static final ObjectMapper JSON = new ObjectMapper();
  private static final String LISTENS = "DevTools listening on ws://";
  private static final int PATIENCE_SECONDS = 60;
  private static final int COLOURS = 256;
  private static final Map<String, Integer> KEYS = Map.of("Tab", 9, "Enter", 13);

  private final Process process;
  private final HttpClient client = HttpClient.newHttpClient();
  private final Map<Integer, CompletableFuture<JsonNode>> asked = new ConcurrentHashMap<>();
  private final AtomicInteger numbers = new AtomicInteger();
  private final WebSocket page;

  /** What scripts threw, and what the page was kept from. */
  private final List<String> complaints = new CopyOnWriteArrayList<>();

  /** Starts one, which keeps what it has to keep in that folder. */
  public Browser(Path directory) throws IOException, InterruptedException {
    process =
        new ProcessBuilder(
                "chromium-headless-shell",
                "--no-sandbox",
                "--disable-gpu",
                "--window-size=1200,1600",
                "--remote-debugging-port=0",
                "--user-data-dir=" + directory,
                "about:blank")
            .redirectOutput(ProcessBuilder.Redirect.DISCARD)
            .start();
    String address = address(process.errorReader());
    HttpRequest list =
        HttpRequest.newBuilder(URI.create("http://" + address + "/json/list")).build();
    JsonNode pages = JSON.readTree(client.send(list, HttpResponse.BodyHandlers.ofString()).body());
    page =
        client
            .newWebSocketBuilder()
            .buildAsync(
                URI.create(pages.path(0).path("webSocketDebuggerUrl").asText()), new Listener())
            .join();
    for (String domain : List.of("Page", "Runtime", "Log")) {
      send(domain + ".enable", Map.of());
    }
  }

  private static String address(BufferedReader says) throws IOException {
    for (String line = says.readLine(); line != null; line = says.readLine()) {
      if (line.startsWith(LISTENS)) {
        // Or it would wait for a reader; a virtual thread would keep its carrier all the time.
        Thread.ofPlatform().daemon().start(() -> says.lines().forEach(_ -> {}));
        return line.substring(LISTENS.length()).split("/", 2)[0];
      }
    }
    throw new IOException("the browser did not start");
  }

  private final class Listener implements WebSocket.Listener {
    private final StringBuilder text = new StringBuilder();

    @Override
    public CompletionStage<?> onText(WebSocket socket, CharSequence data, boolean last) {
      text.append(data);
      if (last) {
        take(text.toString());
        text.setLength(0);
      }
      socket.request(1);
      return CompletableFuture.completedStage(null);
    }

    private void take(String message) {
      try {
        JsonNode told = JSON.readTree(message);
        CompletableFuture<JsonNode> answer = asked.remove(told.path("id").asInt());
        String method = told.path("method").asText();
        if (answer != null) {
          answer.complete(told);
        } else if (method.equals("Runtime.exceptionThrown")
            || told.path("params").path("entry").path("level").asText().equals("error")) {
          complaints.add(told.path("params").toString());
        }
      } catch (JsonProcessingException e) {
        complaints.add(message);
      }
    }
  }

  private JsonNode send(String method, Map<String, ?> parameters) {
    int number = numbers.incrementAndGet();
    CompletableFuture<JsonNode> answer = new CompletableFuture<>();
    asked.put(number, answer);
    ObjectNode request = JSON.createObjectNode().put("id", number).put("method", method);
    request.set("params", JSON.valueToTree(parameters));
    page.sendText(request.toString(), true).join();
    try {
      JsonNode told = answer.get(PATIENCE_SECONDS, TimeUnit.SECONDS);
      if (told.has("error")) {
        throw new IllegalStateException(method + ": " + told.path("error"));
      }
      return told.path("result");
    } catch (InterruptedException | ExecutionException | TimeoutException e) {
      throw new IllegalStateException(method + " was not answered", e);
    }
  }

  /** Goes there, and forgets what was complained of before. */
  public void open(String url) {
    send("Page.navigate", Map.of("url", "about:blank"));
    complaints.clear();
    send("Page.navigate", Map.of("url", url));
  }

  /** What an expression of JavaScript comes to in the page. */
  public JsonNode evaluate(String expression) {
    JsonNode told =
        send(
            "Runtime.evaluate",
            Map.of("expression", expression, "awaitPromise", true, "returnByValue", true));
    if (told.has("exceptionDetails")) {
      throw new IllegalStateException(expression + ": " + told.path("exceptionDetails"));
    }
    return told.path("result").path("value");
  }

  /** The text of the first element that a selector finds; empty where there is none. */
  public String text(String selector) {
    return evaluate(
            "document.querySelector(%s)?.textContent ?? ''".formatted(JSON.valueToTree(selector)))
        .asText();
  }

  /** Presses a key, as at a keyboard. */
  public void press(String key) {
    Map<String, Object> stroke = new ConcurrentHashMap<>();
    stroke.put("key", key);
    stroke.put("code", key);
    stroke.put("windowsVirtualKeyCode", KEYS.get(key));
    if (key.equals("Enter")) {
      stroke.put("text", "\r");
    }
    for (String type : List.of("keyDown", "keyUp")) {
      stroke.put("type", type);
      send("Input.dispatchKeyEvent", stroke);
    }
  }

  /** Has the page shown as to who prefers a dark one, or a light one. */
  public void prefer(boolean dark) {
    send(
        "Emulation.setEmulatedMedia",
        Map.of(
            "features",
            List.of(Map.of("name", "prefers-color-scheme", "value", dark ? "dark" : "light"))));
  }

  /** What scripts of the page threw, and what its policy kept it from. */
  public List<String> complaints() {
    return List.copyOf(complaints);
  }

  /** As if nothing had gone wrong so far. */
  public void forgetComplaints() {
    complaints.clear();
  }

  /** Writes the page as it looks now, as PNG of 256 colours: so it has a quarter of the octets. */
  public void savePicture(Path file, int mostHeight) throws IOException {
    int width = evaluate("document.documentElement.clientWidth").asInt();
    int height = Math.min(mostHeight, evaluate("document.body.offsetHeight").asInt());
    Map<String, Integer> clip =
        Map.of("x", 0, "y", 0, "width", width, "height", height, "scale", 1);
    String taken =
        send("Page.captureScreenshot", Map.of("captureBeyondViewport", true, "clip", clip))
            .path("data")
            .asText();
    BufferedImage all = ImageIO.read(new ByteArrayInputStream(Base64.getDecoder().decode(taken)));
    int[] pixels = all.getRGB(0, 0, width, height, null, 0, width);
    Map<Integer, Long> counts =
        Arrays.stream(pixels)
            .boxed()
            .collect(Collectors.groupingBy(colour -> colour, Collectors.counting()));
    int[] colours =
        counts.entrySet().stream()
            .sorted(Map.Entry.<Integer, Long>comparingByValue().reversed())
            .limit(COLOURS)
            .mapToInt(Map.Entry::getKey)
            .toArray();
    BufferedImage picture =
        new BufferedImage(
            width,
            height,
            BufferedImage.TYPE_BYTE_INDEXED,
            new IndexColorModel(8, colours.length, colours, 0, false, -1, DataBuffer.TYPE_BYTE));
    picture.setRGB(0, 0, width, height, pixels, 0, width);
    ImageIO.write(picture, "png", file.toFile());
  }

  @Override
  public void close() {
    page.abort();
    client.close();
    List<ProcessHandle> all = new ArrayList<>(process.descendants().toList());
    all.add(process.toHandle()); // a script, whose end is not that of the browser
    all.forEach(ProcessHandle::destroyForcibly);
    all.forEach(each -> each.onExit().join());
  }
}
