/*
 * One OpenSearch node for the tests. It skips the distribution's launcher, so it runs as any user, without bootstrap
 * checks. It ends when its standard input ends: a test that dies leaves no node behind.
 *
 * Usage: java -cp 'lib/*' TestNode DATA_DIRECTORY HTTP_PORT TRANSPORT_PORT
 */
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

import org.opensearch.analysis.common.CommonAnalysisPlugin;
import org.opensearch.common.settings.Settings;
import org.opensearch.env.Environment;
import org.opensearch.node.InternalSettingsPreparer;
import org.opensearch.node.Node;
import org.opensearch.transport.Netty4Plugin;

public final class TestNode extends Node {
  private TestNode(Environment environment) {
    super(environment, List.of(Netty4Plugin.class, CommonAnalysisPlugin.class), true);
  }

  public static void main(String[] arguments) throws Exception {
    if (arguments.length != 3) {
      throw new IllegalArgumentException("usage: TestNode DATA_DIRECTORY HTTP_PORT TRANSPORT_PORT");
    }
    TestNode node = new TestNode(environment(Path.of(arguments[0]).toAbsolutePath(), arguments[1], arguments[2]));
    // SIGTERM closes the node in order; SIGKILL does not, which is what a crash test wants.
    Runtime.getRuntime().addShutdownHook(new Thread(() -> close(node), "close-node"));
    node.start();
    while (System.in.read() >= 0) {
      // Whatever the parent writes means nothing; only the end of its pipe does.
    }
    System.exit(0);
  }

  private static Environment environment(Path home, String httpPort, String transportPort) throws IOException {
    Path config = Files.createDirectories(home.resolve("config"));
    // The server lists both directories at start, although this node has nothing in them.
    Files.createDirectories(home.resolve("modules"));
    Files.createDirectories(home.resolve("plugins"));
    Map<String, String> settings = new HashMap<>();
    settings.put("path.home", home.toString());
    settings.put("cluster.name", "sluice-tests");
    settings.put("node.name", "test-node");
    settings.put("discovery.type", "single-node");
    settings.put("network.host", "127.0.0.1");
    settings.put("http.port", httpPort);
    settings.put("transport.port", transportPort);
    // A nearly full disk of a developer must not turn the indexes read-only.
    settings.put("cluster.routing.allocation.disk.threshold_enabled", "false");
    return InternalSettingsPreparer.prepareEnvironment(Settings.EMPTY, settings, config, () -> "test-node");
  }

  private static void close(Node node) {
    try {
      node.close();
    } catch (IOException error) {
      error.printStackTrace();
    }
  }
}
