import pytest

from pytest_aisec.facts.network.tunnels import read_code, read_settings, tunnel_in


@pytest.mark.parametrize(
    ("expected", "line"),
    [
        ("ngrok", "/usr/local/bin/ngrok http 8000"),
        ("ngrok", "python3 /opt/ngrok http 80"),
        ("frpc", "/root/.cache/huggingface/gradio/frpc/frpc_linux_amd64_v0.3 http -n x"),
        ("cloudflared", "sudo -E cloudflared --no-autoupdate tunnel run"),
        (None, "cloudflared proxy-dns --port 53"),
        ("ssh -R", "ssh -R 80:localhost:8000 serveo.net"),
        ("ssh -R", "ssh -fNR80:localhost:8000 serveo.net"),
        ("ssh -R", "ssh serveo.net -R 80:localhost:8000"),
        ("ssh -R", "autossh -M 0 -oRemoteForward=80:localhost:8000 jump"),
        ("ssh -w", "ssh -w 0:0 jump"),
        (None, "ssh -NL 8000:localhost:8000 -i R -p 22 jump"),
        (None, "ssh jump ls -R"),
        ("code", "code tunnel --accept-server-license-terms"),
        (None, "code --wait file"),
        ("tailscale", "tailscale funnel 8000"),
        (None, "tailscale status"),
        ("localtunnel", "node /usr/bin/localtunnel --port 8000"),
        (None, "vim ngrok.yml"),
        (None, ""),
    ],
)
def test_command_lines(expected, line):
    assert expected == tunnel_in(line.split())


@pytest.mark.parametrize(
    ("expected", "text"),
    [
        (["ngrok"], "/etc/systemd/system/a.service:ExecStart=-/opt/ngrok start --all\n"),
        ([], "/etc/systemd/system/a.service:# ExecStart=/opt/ngrok start --all\n"),
        (["gradio share"], "/proc/7/environ:GRADIO_SHARE=True\0"),
        ([], "/proc/7/environ:GRADIO_SHARE=False\0"),
        ([], "/etc/systemd/system/a.service:Description=ngrok http 80 for the web team\n"),
        (["ssh -R"], "/root/.ssh/config:  RemoteForward 22 localhost:22\n"),
        (["chisel"], "/etc/cron.d/x:* * * * * root cd /tmp && ./chisel client h:80 R:22\n"),
    ],
)
def test_settings(expected, text):
    assert expected == [one.kind for one in read_settings(text)]


@pytest.mark.parametrize(
    ("expected", "text"),
    [
        (["gradio share"], "/a.py:1:import gradio as gr\n/a.py:9:    share = True,\n"),
        (["gradio share"], '/a.ipynb:4:    "demo.launch(share=True)\\n"\n'),
        (
            [],
            "/a.py:1:share=True\n/b.py:1:import gradio\n/b.py:2:# x.launch(share=True)\n/b.py:3:sharex=True\n",
        ),
        (["gradio share"], '/a.py:3:os.environ["GRADIO_SHARE"] = "1"\n'),
        ([], '/a.py:3:os.environ["GRADIO_SHARE"] = "0"\n'),
        (["ngrok"], "/a.py:1:from pyngrok import ngrok\n"),
        (["ngrok"], "/a.sh:1:exec ./ngrok http 80\n"),
    ],
)
def test_code(expected, text):
    assert expected == [one.kind for one in read_code(text)]
