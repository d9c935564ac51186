//! ActiveMQ Classic: Debian's jar with its own configuration here, up to 1 GiB of heap. It stores
//! messages with KahaDB, or not at all.

use anyhow::Result;

use super::{Endpoint, Folder, StartPlan, Storage, free_ports, program};

/// The MQTT endpoint needs the library of the MQTT client, which Debian's package does not depend
/// on.
pub const NEEDS: [(&str, &str); 2] = [
    ("activemq", HOME_JAR),
    ("libmqtt-client-java", "/usr/share/java/mqtt-client.jar"),
];

pub fn start(storage: Storage) -> Result<StartPlan> {
    let [mqtt, stomp] = free_ports()?;
    let folder = Folder::new("activemq")?;
    folder.link("lib/extra", &LIBRARIES)?;
    let store = match storage {
        Storage::Memory => String::new(),
        Storage::Disk | Storage::SyncedDisk => kahadb(&folder),
    };
    let file = folder.write("conf/activemq.xml", &configuration(mqtt, stomp, &store))?;
    let base = folder.path().display();
    let mut command = program("java");
    command
        .args(["-Xms256m", "-Xmx1g"])
        .arg(format!("-Dactivemq.home={HOME}"))
        .arg(format!("-Dactivemq.base={base}"))
        .arg(format!("-Dactivemq.conf={base}/conf"))
        .arg(format!("-Dactivemq.data={base}/data"))
        .arg(format!("-Djava.io.tmpdir={base}"))
        .args(["-jar", HOME_JAR, "start"])
        .arg(format!("xbean:file:{}", file.display()));
    Ok(StartPlan {
        command,
        endpoints: vec![
            Endpoint::tcp("MQTT", "mqtt", mqtt),
            Endpoint::tcp("STOMP", "stomp", stomp),
        ],
        cleanup: None,
        folder,
    })
}

/// Returns the configuration of the store. With the shortcut `concurrentStoreAndDispatch`, messages
/// that are consumed at once would not be stored.
fn kahadb(folder: &Folder) -> String {
    format!(
        r#"<persistenceAdapter>
      <kahaDB directory="{}/kahadb" concurrentStoreAndDispatchQueues="false"
        concurrentStoreAndDispatchTopics="false"/>
    </persistenceAdapter>"#,
        folder.path().display()
    )
}

fn configuration(mqtt: u16, stomp: u16, store: &str) -> String {
    let persistent = !store.is_empty();
    format!(
        r#"<beans xmlns="http://www.springframework.org/schema/beans"
  xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"
  xsi:schemaLocation="http://www.springframework.org/schema/beans
    http://www.springframework.org/schema/beans/spring-beans-2.0.xsd
    http://activemq.apache.org/schema/core
    http://activemq.apache.org/schema/core/activemq-core.xsd">
  <broker xmlns="http://activemq.apache.org/schema/core" brokerName="bench" persistent="{persistent}"
    useJmx="false" advisorySupport="false">
    {store}
    <transportConnectors>
      <transportConnector name="mqtt" uri="mqtt+nio://127.0.0.1:{mqtt}?maximumConnections=100000"/>
      <transportConnector name="stomp" uri="stomp+nio://127.0.0.1:{stomp}?maximumConnections=100000"/>
    </transportConnectors>
  </broker>
</beans>
"#
    )
}

const HOME: &str = "/usr/share/activemq";
const HOME_JAR: &str = "/usr/share/activemq/bin/activemq.jar";
const LIBRARIES: [&str; 3] = [
    "/usr/share/java/mqtt-client.jar",
    "/usr/share/java/hawtdispatch.jar",
    "/usr/share/java/hawtdispatch-transport.jar",
];
