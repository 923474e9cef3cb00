/** Every key that this version does. */
export const EVERYTHING_THAT_WORKS: string = `
name: shop
libkrun: { library: /opt/x/libkrun.so.1, kernel_bundle: /opt/x/libkrunfw.so.5, log_level: warn }
x-anything: { at: all }
machines:
  web:
    kind: service
    profiles: [debug]
    cpus: 2
    memory: 512MiB
    root: ./rootfs
    build: { command: [./mkroot.sh], inputs: [mkroot.sh], directory: ., environment: { A: b } }
    command: [/bin/httpd, -f]
    entrypoint: /sbin/tini --
    environment: { A: b, B: 1, C: true, D: null }
    env_file: [.env.web, { path: x, required: false, format: raw }]
    working_dir: /srv
    user: 1000:www-data
    tty: true
    stdin_open: "true"
    secrets: [token, { source: token, target: /etc/token, uid: 1000, gid: "1000", mode: "0440" }]
    configs: [app, { source: app, target: /etc/app.conf }]
    healthcheck: { test: [CMD, "true"], interval: 10s, timeout: 3s, start_period: 1m, start_interval: 100ms, retries: 3, liveness: true, hint: x }
    hostname: web
    rlimits: { nofile: { soft: 1024, hard: 4096 }, core: 0, nproc: -1 }
    disks: [data, { source: ./seed.img, format: raw, readonly: true, sync: full, direct_io: false }]
    shares: ["./src:/app:ro", { source: ./src, target: /app2, tag: src, dax: 512MiB, notify: true }]
    networks: [default]
    ports: ["8080:80", "8000-8010:8000-8010", { host: 81, guest: 81, name: http }]
    depends_on: { db: { condition: service_completed_successfully, required: false } }
    restart: on-failure:5
    stop_signal: SIGTERM
    stop_grace_period: 1m30s
    stop_command: [/bin/httpd, -k, graceful-stop]
    develop:
      watch:
        - { path: ./src, action: sync+exec, target: /app, ignore: [a, b/], include: "*.ts", initial_sync: false, exec: make }
        - { path: ./x, action: exec, gitignore: true, exec: { command: [make], user: 0, working_dir: /app, environment: [A=b] } }
        - { path: ./mkroot.sh, action: rebuild }
        - { path: ./conf, action: sync+restart, target: /conf }
    boot_timeout: 60s
    agent: true
    logs: { max_size: 10MB, max_files: 3 }
    x-note: ignored
  db:
    root: { disk: system, fstype: ext4, device: /dev/vda1, options: noatime }
    environment: [A=b, HOME]
    env_file: .env
    depends_on: { log: { condition: log_ready, restart: true }, old: { condition: service_healthy } }
    healthcheck: { tcp: "5432" }
  log:
    root: ./rootfs
    healthcheck: { log: "ready" }
  old:
    root: ./rootfs
    healthcheck: { http: "http://:80/", disable: false }
disks:
  data: { size: 10GiB, format: qcow2, fstype: ext4, protect: true }
  system: { size: 1.5g }
networks:
  default: { driver: auto }
  other:
  off: { driver: none }
secrets:
  token: { environment: TOKEN }
  key: { file: ./key.pem }
configs:
  app: { content: x }
`;

/** Every key that the schema accepts and this version refuses. */
export const EVERYTHING_ELSE: string = `
machines:
  web:
    root: { image: "alpine:3.22" }
    nested: true
    split_irqchip: true
    uid: 1000
    gid: 1000
    shares: [{ source: ., target: /app, exclude: [node_modules] }]
    networks: { default: { mac: "52:54:00:00:00:01", ip: 192.168.127.10, aliases: [api] }, lan: }
    ports: ["127.0.0.1:5353:53/udp", 80, { host: auto, guest: 80, host_ip: 0.0.0.0, protocol: udp }]
    vsock: [{ port: 1024, socket: ./run/a.sock, direction: connect }]
    console: { log: ./console.log, kernel: ttyS0, ports: [{ name: org.x, socket: ./run/p.sock }] }
    serial: { log: ./serial.log }
    gpu: { virgl: false, venus: true, shm: 256MiB, flags: [drm] }
    sound: true
    display: [{ width: 800, height: 600 }]
    input: [keyboard, { device: /dev/input/event0 }]
    smbios: { oem_strings: [a] }
    tee: { config: ./tee.json }
  efi:
    boot: { firmware: efi }
networks:
  default: { driver: gvproxy, subnet: 192.168.127.0/24 }
  lan: { driver: vmnet, mode: bridged, interface: en0 }
  custom: { driver: unixgram, socket: /run/x.sock, offloading: true, vfkit_magic: true }
  own: { dns: [1.1.1.1] }
`;
